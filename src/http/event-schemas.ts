import type { EventSchema, SchemaCatalog } from "../schema/schema-catalog.ts"
import { ProblemError } from "./problem.ts"

/**
 * A version of an event's schema; the highest where none is asked for.
 * @throws {ProblemError} `not-found`, which names what there is.
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
  throw new ProblemError("not-found", `${type}/${name} has no version ${version}, but ${known}.`)
}
