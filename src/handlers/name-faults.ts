import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"
import { defaultRoutingKey } from "../event/routing-space.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"
import type { ModuleManifest } from "./manifest.ts"

/** A function whose key repeats the type of its events, so that it probably handles none. */
export interface NameFault {
  readonly file: string
  readonly queue: string
  readonly name: string
  /** The name that was probably meant. */
  readonly meant: string
}

/**
 * Finds functions whose key begins with a type of events that their queue takes, or with `events`.
 * @param queues the queues with their topic patterns
 * @param known events that are known, such as those with a schema: their names are meant
 */
export function findNameFaults(
  manifests: readonly ModuleManifest[],
  queues: readonly { readonly name: string; readonly bindings: readonly string[] }[],
  known: readonly { readonly name: string }[],
): readonly NameFault[] {
  return manifests.flatMap(({ file, queue, names }) => {
    const patterns = queues.filter((each) => each.name === queue).flatMap(({ bindings }) => bindings)
    const types = EVENT_TYPES.filter((type) =>
      patterns.some((pattern) => patternsOverlap(pattern, defaultRoutingKey(type, "*.#"))),
    )
    return names.flatMap((name) => {
      const meant = known.some((each) => each.name === name) ? null : withoutType(name, types)
      return meant === null ? [] : [{ file, queue, name, meant }]
    })
  })
}
