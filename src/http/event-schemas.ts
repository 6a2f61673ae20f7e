import { adviseOnEvent } from "../schema/advise-on-event.ts"
import type { EventSchema, SchemaCatalog } from "../schema/schema-catalog.ts"
import { ProblemError } from "./problem.ts"

/**
 * Returns a version of an event's schema; the highest version by default.
 * @throws {ProblemError} `not-found`, which names the existing versions, or an event with a schema.
 */
export function findSchema(
  catalog: SchemaCatalog | null,
  { type, name }: { readonly type: string; readonly name: string },
  version: number | undefined,
): EventSchema {
  const versions = catalog?.versionsOf(type, name) ?? []
  const found = version === undefined ? versions[0] : versions.find((each) => each.version === version)
  if (found !== undefined) return found
  if (versions.length === 0) {
    const event = `${type}/${name}`
    const events = new Set((catalog?.all() ?? []).map((each) => `${each.type}/${each.name}`))
    const advice = adviseOnEvent(event, [...events])
    throw new ProblemError("not-found", `${event} has no schema; ${advice}${advice.endsWith("?") ? "" : "."}`)
  }
  const known = versions.map((each) => each.version).join(", ")
  throw new ProblemError("not-found", `${type}/${name} has no version ${version}; it has ${known}.`)
}
