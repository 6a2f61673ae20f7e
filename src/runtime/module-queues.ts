import type { QueueDeclaration } from "../engine/engine.ts"
import type { QueueLimits } from "../engine/queues.ts"
import type { ModuleManifest } from "./manifest.ts"

/** The queues that are always there, as the modules want them, and those of the modules' own. */
export function queuesOf(
  manifests: readonly ModuleManifest[],
  predefined: readonly QueueDeclaration[],
  limits: QueueLimits,
): readonly QueueDeclaration[] {
  const queues = new Map(predefined.map((queue) => [queue.name, queue]))
  for (const { queue: name, bindings, isSingleActiveConsumer } of manifests) {
    const before = queues.get(name)
    // One that a module names without binding it has to be there already, from another module or on the engine.
    if (before === undefined && bindings === null) continue
    queues.set(name, {
      ...limits,
      ...before,
      name,
      bindings: [...(before?.bindings ?? []), ...(bindings ?? [])],
      isSingleActiveConsumer: (before?.isSingleActiveConsumer ?? false) || isSingleActiveConsumer,
    })
  }
  return [...queues.values()]
}
