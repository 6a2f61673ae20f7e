import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"
import { didYouMean } from "../event/suggestion.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { HandlerTarget } from "../workers/attempt.ts"

/** Most function names that an explanation lists and compares. */
const MAX_NAMES = 50

/** Ends a message about a name with the function that was probably meant; empty if none is near. */
function adviseOnName(name: string, functions: readonly string[]): string {
  const bare = withoutType(name, EVENT_TYPES)
  const repeating = functions.find((each) => withoutType(each, EVENT_TYPES) === name)
  if (repeating !== undefined) return `; the function ${repeating} repeats the type: did you mean ${name}?`
  if (bare === null) return didYouMean(name, functions)
  const advice = didYouMean(bare, functions)
  return advice === "" ? didYouMean(name, functions) : `; the name repeats the type${advice}`
}

/** Finds the function for an event among those of all modules. */
export class HandlerTable {
  readonly #byQueue = new Map<string, Map<string, HandlerTarget>>()

  /** @param generation the module set that the manifests are of */
  constructor(manifests: readonly ModuleManifest[], generation: string) {
    for (const [module, manifest] of manifests.entries()) {
      const onQueue = this.#byQueue.get(manifest.queue) ?? new Map<string, HandlerTarget>()
      this.#byQueue.set(manifest.queue, onQueue)
      for (const handler of manifest.names) onQueue.set(handler, { generation, module, manifest, handler })
    }
  }

  /** The queues that have a module, in load order of the modules. */
  get queues(): readonly string[] {
    return [...this.#byQueue.keys()]
  }

  has(queue: string): boolean {
    return this.#byQueue.has(queue)
  }

  /** Returns the function for the event's name, or the one for all other names. */
  find(queue: string, name: string): HandlerTarget | undefined {
    const onQueue = this.#byQueue.get(queue)
    return onQueue?.get(name) ?? onQueue?.get("*")
  }

  /** Explains that no function of the queue takes a name: which one was probably meant, or which there are. */
  explainMissing(queue: string, name: string): string {
    const choices = [...(this.#byQueue.get(queue) ?? [])].slice(0, MAX_NAMES)
    const described = choices.map(([each, { manifest }]) => `${each} (${manifest.file})`)
    const names = choices.map(([each]) => each)
    return `no function handles ${name}; the functions are ${described.join(", ")}${adviseOnName(name, names)}`
  }
}
