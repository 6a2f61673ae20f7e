import { styleText } from "node:util"

type Style = Parameters<typeof styleText>[0]

/** Styles a text where it goes to a terminal that shows colours. */
export const styled = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout })

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Rows in columns, with their names above; numbers stand to the right. */
export function table(names: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const widths = names.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => String(row[column] ?? "").length)),
  )
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        typeof cell === "number"
          ? String(cell).padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd()
  const head = names.map((name, column) =>
    typeof rows[0]?.[column] === "number" ? name.padStart(widths[column] ?? 0) : name,
  )
  return `${[styled("bold", line(head)), ...rows.map(line)].join("\n")}\n`
}
