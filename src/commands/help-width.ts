import type { Command, Help } from "commander"

/** Width in columns if there is no terminal, as for the rest of the help. */
export const DEFAULT_WIDTH = 80

/** Returns what formats the help of a command, as wide as the terminal. */
export function helperOf(command: Command): Help {
  const helper = command.createHelp()
  helper.prepareContext({ helpWidth: command.configureOutput().getOutHelpWidth?.() ?? DEFAULT_WIDTH })
  return helper
}
