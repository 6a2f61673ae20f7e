import type { Setting } from "../config.ts"
import { alignedRows, joined, type Shown, shown, verbatim } from "./shown.ts"

/** The settings as text, a line each, in columns. */
export const showSettings = (settings: readonly Setting[]): Shown =>
  joined(
    alignedRows(settings.map(({ name, value, source }) => [name, value, source])).map(
      (line) => shown`${verbatim(line)}\n`,
    ),
  )
