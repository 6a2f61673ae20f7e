import type { Dispatcher } from "../delivery/dispatcher.ts"
import { summarizeError } from "../event/failure.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import { type ModuleSet, NO_MODULES } from "../handlers/module-set.ts"
import { type Rejection, rejectionOf } from "../handlers/rejection.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Pool } from "../workers/pool.ts"

export interface GenerationsOptions {
  readonly pool: Pool
  readonly dispatcher: Dispatcher
  /** Reads the modules as they are now. @throws if they can't be used */
  readonly build: () => Promise<ModuleSet>
  /**
   * Declares the queues of modules, or changes nothing.
   * @param before the modules in use; null for the first ones
   * @throws if the modules can't be used with this engine
   */
  readonly declare: (
    set: ModuleSet,
    manifests: readonly ModuleManifest[],
    before: readonly ModuleManifest[] | null,
  ) => Promise<void>
  /** Called with the result of each reload that changes something or is rejected. */
  readonly onReload: (result: Reloaded) => void
  readonly metrics: Metrics
  readonly logger: Logger
}

/** The module set in use. */
export interface Generation {
  readonly set: ModuleSet
  readonly manifests: readonly ModuleManifest[]
  /** When it was taken into use, in milliseconds since the epoch. */
  readonly since: number
}

export type Reloaded =
  /** The files are those of the set in use. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "loaded"; readonly before: string }
  | { readonly kind: "rejected"; readonly rejection: Rejection; readonly error: unknown }

/** Takes module sets into use, one at a time, and whole. A set that can't be used leaves the one before in use. */
export class Generations {
  readonly #options: GenerationsOptions
  #current: Generation = { set: NO_MODULES, manifests: [], since: Date.now() }
  #rejection: Rejection | null = null
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<Reloaded> | null = null
  /** True once a set is in use, if only one without modules. */
  #hasBegun = false
  #isStopped = false

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  get current(): Generation {
    return this.#current
  }

  /** Why the files as they were at the last reload can't be used; null if they are in use. */
  get rejection(): Rejection | null {
    return this.#rejection
  }

  /** Takes the first set into use, once a worker has loaded it. */
  begin(set: ModuleSet, manifests: readonly ModuleManifest[]): Promise<void> {
    const begun = this.#begin(set, manifests)
    this.#running = begun.catch(() => {})
    return begun
  }

  /**
   * Takes the modules into use as their files are now. Never rejects. A call during a reload waits for it, and reads the
   * files again; several such calls share one reload.
   */
  reload(): Promise<Reloaded> {
    if (this.#next === null) {
      const next = this.#running.then(() => {
        this.#next = null
        return this.#reload()
      })
      this.#next = next
      this.#running = next
    }
    return this.#next
  }

  /** Call it before the pool stops: a reload that fails because of that is no fault of the modules. */
  stop(): void {
    this.#isStopped = true
  }

  async #begin(set: ModuleSet, manifests: readonly ModuleManifest[]): Promise<void> {
    await this.#options.declare(set, manifests, null)
    this.#use(set, manifests)
  }

  async #reload(): Promise<Reloaded> {
    const { metrics } = this.#options
    const { result, complete } = await this.#tryReload()
    if (this.#isStopped) return result
    metrics.reloaded(result.kind)
    this.#rejection = result.kind === "rejected" ? result.rejection : null
    this.#tell(result)
    if (result.kind !== "unchanged") this.#options.onReload(result)
    await complete
    return result
  }

  /** @returns the result, and a promise that resolves once all workers are ready */
  async #tryReload(): Promise<{ readonly result: Reloaded; readonly complete?: Promise<unknown> }> {
    const { build, declare, pool } = this.#options
    const { set: before, manifests } = this.#current
    try {
      const set = await build()
      if (set.generation === before.generation) return { result: { kind: "unchanged" } }
      const candidate = await pool.prepare(set)
      try {
        await declare(set, candidate.manifests, this.#hasBegun ? manifests : null)
      } catch (error) {
        pool.discard(candidate)
        throw error
      }
      const complete = pool.adopt(candidate)
      // In the same turn, so that no event is handled by a function of the earlier set.
      this.#use(set, candidate.manifests)
      return { result: { kind: "loaded", before: before.generation }, complete }
    } catch (error) {
      return { result: { kind: "rejected", rejection: rejectionOf(error, Date.now()), error } }
    }
  }

  #use(set: ModuleSet, manifests: readonly ModuleManifest[]): void {
    this.#hasBegun = true
    this.#current = { set, manifests, since: Date.now() }
    this.#options.dispatcher.use(manifests, set.generation)
  }

  #tell(result: Reloaded): void {
    const { logger } = this.#options
    const { set } = this.#current
    const about = { generation: set.generation, modules: set.files.map(({ name }) => name) }
    switch (result.kind) {
      case "unchanged":
        logger.info(about, "handler modules are unchanged")
        break
      case "loaded":
        logger.info({ ...about, before: result.before }, "handler modules loaded")
        break
      case "rejected": {
        const { name, message } = summarizeError(result.error)
        const told = { ...about, error: { name, message } }
        logger.error(told, "handler modules rejected; those before stay in use")
      }
    }
  }
}
