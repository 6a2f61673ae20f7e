import type { EventSchema, SchemaCatalog } from "../schema/schema-catalog.ts"
import { ProblemError } from "./problem.ts"

/**
 * Returns a version of an event's schema; the highest version by default.
 * @throws {ProblemError} `not-found`, which names the existing versions.
 */
export function findSchema(
  catalog: SchemaCatalog | null,
  { type, name }: { readonly type: string; readonly name: string },
  version: number | undefined,
): EventSchema {
  const versions = catalog?.versionsOf(type, name) ?? []
  const found = version === undefined ? versions[0] : versions.find((each) => each.version === version)
  if (found !== undefined) return found
  if (versions.length === 0) throw new ProblemError("not-found", `${type}/${name} has no schema.`)
  const known = versions.map((each) => each.version).join(", ")
  throw new ProblemError("not-found", `${type}/${name} has no version ${version}; it has ${known}.`)
}
