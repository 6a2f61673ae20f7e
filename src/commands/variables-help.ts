import type { Command } from "commander"
import { VARIABLE_GROUPS } from "../config/groups.ts"
import { describeVariables, type Variable } from "../config.ts"
import { DEFAULT_WIDTH, helperOf } from "./help-width.ts"

/** Adds every variable to the help of a command, in groups, as wide as the terminal. */
export function addVariablesHelp(command: Command): void {
  command.addHelpText("after", ({ command: shownFor }) => {
    const helper = helperOf(shownFor)
    const variables = describeVariables()
    const termWidth = Math.max(...variables.map(({ name }) => name.length))
    const groups = Object.entries(VARIABLE_GROUPS).map(([title, names]) => {
      const items = names.map((name) => {
        const variable = variables.find((each) => each.name === name)
        return helper.formatItem(name, termWidth, variable === undefined ? "" : explain(variable), helper)
      })
      return [`${title}:`, ...items].join("\n")
    })
    const intro = helper.boxWrap(
      "The service is configured by environment variables, or by a .env file in the folder where it starts. The environment wins.",
      helper.helpWidth ?? DEFAULT_WIDTH,
    )
    return `\n${[intro, ...groups].join("\n\n")}\n`
  })
}

const explain = ({ meaning, takes, readableDefault }: Variable): string => {
  const values = takes === "" ? "" : ` Values: ${takes}.`
  return `${meaning}${values} Default: ${readableDefault || "none"}.`
}
