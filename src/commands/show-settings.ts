import type { Setting } from "../config.ts"

/** The settings as text: a line each, in columns, or a JSON array. */
export function showSettings(settings: readonly Setting[], asJson: boolean): string {
  if (asJson) return `${JSON.stringify(settings, null, 2)}\n`
  const widthOf = (column: keyof Setting) => Math.max(...settings.map((setting) => setting[column].length))
  const [nameWidth, valueWidth] = [widthOf("name"), widthOf("value")]
  return settings
    .map(({ name, value, source }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`)
    .join("")
}
