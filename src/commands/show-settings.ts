import type { Setting } from "../config.ts"
import { alignedRows, joined, type Shown, shown, verbatim } from "./shown.ts"

/** Formats settings in columns, one per line. */
export const showSettings = (settings: readonly Setting[]): Shown =>
  joined(
    alignedRows(
      settings.map(({ name, value, source, used }) => [
        name,
        value,
        used ? source : `${source}, not used with this ENGINE`,
      ]),
    ).map((line) => shown`${verbatim(line)}\n`),
  )
