import { styleText } from "node:util"
import { printable, printableJson } from "../telemetry/printable.ts"

type Style = Parameters<typeof styleText>[0]

/**
 * Text that is safe to show on a terminal. Only this type can be printed, so text from outside never reaches a terminal
 * unescaped.
 */
export class Shown {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }

  /** Takes this program's own text as it is, terminal sequences included. Never pass text that comes from outside. */
  static verbatim(text: string): Shown {
    return new Shown(text)
  }
}

export const verbatim = Shown.verbatim

/** Fills a template and escapes its values, newlines too. Values that are `Shown` already stay as they are. */
export function shown(strings: TemplateStringsArray, ...values: readonly (string | number | Shown)[]): Shown {
  const texts = values.map((value) => (value instanceof Shown ? value.text : printable(String(value))))
  return verbatim(String.raw({ raw: strings }, ...texts))
}

/** Escapes a text of several lines, and keeps its newlines. */
export const block = (text: string): Shown => verbatim(text.split("\n").map(printable).join("\n"))

/** Escapes a message of several lines. Further lines are indented, so that none looks like a separate message. */
export const asMessage = (text: string): Shown => verbatim(text.split("\n").map(printable).join("\n  "))

/** Escapes JSON text without changing its value. */
export const jsonText = (text: string): Shown => verbatim(printableJson(text))

export const joined = (parts: readonly Shown[]): Shown => verbatim(parts.map(({ text }) => text).join(""))

/** Escapes a text, and styles it if standard output is a terminal with colours. */
export const styled = (style: Style, text: string): Shown =>
  verbatim(styleText(style, printable(text), { stream: process.stdout }))

type Cell = string | number

/** Makes a table with the names of its columns on top. Numbers are aligned to the right. */
export function table(names: readonly string[], rows: readonly (readonly Cell[])[]): Shown {
  const [head = "", ...body] = alignedRows([names, ...rows], rows[0] ?? [])
  return joined([styled("bold", head), ...body.map((line) => shown`\n${verbatim(line)}`), verbatim("\n")])
}

/**
 * Pads cells to the width that they have on a terminal, where some characters are two columns wide.
 * @param sample a row; columns where it has a number are aligned to the right
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
