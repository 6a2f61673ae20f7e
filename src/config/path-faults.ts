import { accessSync, constants, statSync } from "node:fs"
import { resolve } from "node:path"
import { codeOf, describeKind, explainCode } from "../system/text-file.ts"
import type { ConfigFault } from "./config-error.ts"
import { isProbablySecret } from "./secret-file.ts"
import type { Config } from "./variables.ts"

/** The variables that are paths. */
type PathName = "HANDLERS_DIR" | "SCHEMAS_DIR" | "API_KEYS_FILE" | "DATA_DIR"

/** The kind of file that a path must lead to. */
interface Expected {
  readonly kind: "folder" | "file"
  /** True if there may be nothing yet. */
  readonly mayBeMissing: boolean
}

/**
 * Finds paths that lead to nothing, or to something else than the variable is for. It looks only at what the service
 * reads at its start, and reads no content.
 * @param config values that are allowed; a variable with another fault is absent
 * @param isGiven returns whether a variable is set
 */
export function pathFaults(
  config: Partial<Pick<Config, PathName | "ENGINE">>,
  isGiven: (name: PathName) => boolean,
): readonly ConfigFault[] {
  const expected: Readonly<Record<PathName, Expected>> = {
    HANDLERS_DIR: { kind: "folder", mayBeMissing: !isGiven("HANDLERS_DIR") },
    SCHEMAS_DIR: { kind: "folder", mayBeMissing: false },
    API_KEYS_FILE: { kind: "file", mayBeMissing: false },
    DATA_DIR: { kind: "folder", mayBeMissing: true },
  }
  const names = (Object.keys(expected) as PathName[]).filter(
    (name) => config[name] && (name !== "DATA_DIR" || config.ENGINE === "embedded"),
  )
  return names.flatMap((name) => {
    const { kind } = expected[name]
    const path = config[name] ?? ""
    const reason = explainPath(path, expected[name])
    if (reason === null) return []
    if (isProbablySecret(path)) return [{ name, message: notAPath(kind) }]
    return [{ name, message: `takes the path of a readable ${kind}: ${resolve(path)} ${reason}` }]
  })
}

const notAPath = (kind: string): string =>
  `takes the path of a ${kind}, and the given one is not shown because it looks like a key itself`

/** Says why a path can't be used, to continue a sentence that begins with the path; null if it can. */
function explainPath(path: string, { kind, mayBeMissing }: Expected): string | null {
  try {
    const stats = statSync(path)
    if (kind === "folder" ? !stats.isDirectory() : !stats.isFile()) return describeKind(stats)
    accessSync(path, kind === "folder" ? constants.R_OK | constants.X_OK : constants.R_OK)
    return null
  } catch (error) {
    const code = codeOf(error)
    return code === "ENOENT" && mayBeMissing ? null : explainCode(code)
  }
}
