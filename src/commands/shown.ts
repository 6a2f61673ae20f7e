import { styleText } from "node:util"
import { printable, printableJson } from "../telemetry/printable.ts"

type Style = Parameters<typeof styleText>[0]

/**
 * Text that is safe to show on a terminal. Only what is made here can be printed, so that no text of somebody else
 * reaches a terminal as it is.
 */
export class Shown {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }

  /** This program's own text, terminal sequences included. Never for text that comes from outside. */
  static verbatim(text: string): Shown {
    return new Shown(text)
  }
}

export const verbatim = Shown.verbatim

/** A template whose values are escaped, newlines too; those that are `Shown` already stand as they are. */
export function shown(strings: TemplateStringsArray, ...values: readonly (string | number | Shown)[]): Shown {
  const texts = values.map((value) => (value instanceof Shown ? value.text : printable(String(value))))
  return verbatim(String.raw({ raw: strings }, ...texts))
}

/** Text of several lines, whose newlines stay. */
export const block = (text: string): Shown => verbatim(text.split("\n").map(printable).join("\n"))

/** Text of several lines as one message: further lines are indented, so that none looks like a message of its own. */
export const asMessage = (text: string): Shown => verbatim(text.split("\n").map(printable).join("\n  "))

/** JSON text: its value stays as it is. */
export const jsonText = (text: string): Shown => verbatim(printableJson(text))

export const joined = (parts: readonly Shown[]): Shown => verbatim(parts.map(({ text }) => text).join(""))

/** Styles a text where it goes to a terminal that shows colours. */
export const styled = (style: Style, text: string): Shown =>
  verbatim(styleText(style, printable(text), { stream: process.stdout }))

type Cell = string | number

/** Rows in columns, with their names above; numbers stand to the right. */
export function table(names: readonly string[], rows: readonly (readonly Cell[])[]): Shown {
  const [head = "", ...body] = alignedRows([names, ...rows], rows[0] ?? [])
  return joined([styled("bold", head), ...body.map((line) => shown`\n${verbatim(line)}`), verbatim("\n")])
}

/**
 * Pads cells to the width that they have on a terminal, where some characters are two columns wide.
 * @param sample a row; where it has a number, the column stands to the right
 * @returns a safe line for each row
 */
export function alignedRows(
  rows: readonly (readonly Cell[])[],
  sample: readonly Cell[] = [],
): readonly string[] {
  const texts = rows.map((row) => row.map((cell) => printable(String(cell))))
  const widths = texts.reduce<readonly number[]>(
    (widest, row) => row.map((text, column) => Math.max(widest[column] ?? 0, Bun.stringWidth(text))),
    [],
  )
  const padded = (text: string, column: number): string => {
    const padding = " ".repeat((widths[column] ?? 0) - Bun.stringWidth(text))
    return typeof sample[column] === "number" ? padding + text : text + padding
  }
  return texts.map((row) => row.map(padded).join("  ").trimEnd())
}
