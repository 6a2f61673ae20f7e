import type { Setting } from "../config.ts"
import { alignedRows, joined, type Shown, shown, verbatim } from "./shown.ts"

/** Formats settings in columns, one per line. */
export const showSettings = (settings: readonly Setting[]): Shown =>
  joined(
    alignedRows(settings.map(({ name, value, source }) => [name, value, source])).map(
      (line) => shown`${verbatim(line)}\n`,
    ),
  )
