import { isatty } from "node:tty"
import { prettyLine } from "./pretty-line.ts"
import { printableJson } from "./printable.ts"

/** The values of `LOG_FORMAT`. */
export type LogFormatName = "auto" | "json" | "pretty"

/** Format of the log. */
export interface LogFormat {
  /** True if a person reads the log on a terminal, so that it can have lines that are not log entries. */
  readonly isForPeople: boolean
  /** Turns an entry, as JSON with its newline, into the text that is written. The text is safe on a terminal. */
  readonly show: (json: string) => string
}

const STDOUT = 1

/**
 * @param name `auto` is `pretty` if standard output is a terminal, and `json` if it is not
 * @param environment says whether colours are wanted
 */
export function logFormat(
  name: LogFormatName,
  environment: Readonly<Record<string, string | undefined>>,
): LogFormat {
  const isTerminal = isatty(STDOUT)
  if (name === "json" || (name === "auto" && !isTerminal)) return { isForPeople: false, show: printableJson }
  const hasColours = wantsColours(environment, isTerminal)
  return { isForPeople: isTerminal, show: (json) => prettyLine(json, hasColours) }
}

/** Sources: no-color.org, force-color.org. `NO_COLOR` wins, and an empty value counts as not set. */
function wantsColours(
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (NO_COLOR) return false
  if (FORCE_COLOR) return FORCE_COLOR !== "0"
  return isTerminal && TERM !== "dumb"
}
