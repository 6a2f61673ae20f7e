import type { ModuleManifest } from "./manifest.ts"

/** The function that takes an event. */
export interface HandlerChoice {
  /** The module's place in the list of manifests. */
  readonly module: number
  readonly manifest: ModuleManifest
  /** The key of the function in the module's `on`. */
  readonly handler: string
}

/** Every function of every module, by its queue and the name it takes. */
export class HandlerTable {
  readonly #byQueue = new Map<string, Map<string, HandlerChoice>>()

  constructor(manifests: readonly ModuleManifest[]) {
    for (const [module, manifest] of manifests.entries()) {
      const onQueue = this.#byQueue.get(manifest.queue) ?? new Map<string, HandlerChoice>()
      this.#byQueue.set(manifest.queue, onQueue)
      for (const handler of manifest.names) onQueue.set(handler, { module, manifest, handler })
    }
  }

  /** The queues that have a module, in the order in which the modules were loaded. */
  get queues(): readonly string[] {
    return [...this.#byQueue.keys()]
  }

  /** The function for the event's name, or else the one for every name. */
  find(queue: string, name: string): HandlerChoice | undefined {
    const onQueue = this.#byQueue.get(queue)
    return onQueue?.get(name) ?? onQueue?.get("*")
  }
}
