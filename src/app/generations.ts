import type { Dispatcher } from "../delivery/dispatcher.ts"
import { EngineUnavailableError } from "../engine/errors.ts"
import { summarizeError } from "../event/failure.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import { type ModuleSet, NO_MODULES } from "../handlers/module-set.ts"
import { type Rejection, rejectionOf } from "../handlers/rejection.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Pool } from "../workers/pool.ts"

export interface GenerationsOptions {
  readonly pool: Pick<Pool, "adopt" | "candidates">
  readonly dispatcher: Pick<Dispatcher, "use">
  /**
   * Reads the modules as they are now.
   * @param isInUse true if modules are in use
   * @param signal ends it
   * @throws if they can't be used, or it was ended
   */
  readonly build: (isInUse: boolean, signal: AbortSignal) => Promise<ModuleSet>
  /**
   * Declares the queues of modules, or changes nothing.
   * @param before the modules in use; null for the first ones
   * @throws {EngineUnavailableError} if the engine can't say so now
   * @throws other errors if the modules can't be used with this engine
   */
  readonly declare: (
    set: ModuleSet,
    manifests: readonly ModuleManifest[],
    before: readonly ModuleManifest[] | null,
  ) => Promise<void>
  /** Called with the result of each reload, unless the service stops or a later reload has ended it. */
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
  /** The service stops. */
  | { readonly kind: "stopped" }
  /** The files are those of the set in use. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "loaded"; readonly before: string }
  /** The engine can't say now whether it takes the queues. Nothing has changed. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "rejected"; readonly rejection: Rejection; readonly error: unknown }

const REJECTED = "handler modules rejected; those before stay in use"
const UNAVAILABLE =
  "handler modules not reloaded, because the engine can't be asked about their queues; those before stay in use"
const REJECTED_FIRST = "handler modules rejected; events wait until they can be used"

/** Takes module sets into use, one at a time, and whole. A set that can't be used leaves the one before in use. */
export class Generations {
  readonly #options: GenerationsOptions
  #current: Generation = { set: NO_MODULES, manifests: [], since: Date.now() }
  #rejection: Rejection | null = null
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<Reloaded> | null = null
  /** Ends the reload that runs, until it declares its queues. */
  #ending = new AbortController()
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
   * Takes the modules into use as their files are now. Never rejects. A call during a reload ends its load, because the
   * files may have changed since, and both have the later result; several such calls share one reload.
   */
  reload(): Promise<Reloaded> {
    if (this.#next === null) {
      this.#abandon()
      const turn = this.#running.then(() => {
        this.#next = null
        return this.#reload()
      })
      this.#running = turn
      this.#next = turn.then((result) => result ?? this.#next ?? { kind: "unchanged" })
    }
    return this.#next
  }

  /** Call it before the pool stops: a reload that fails because of that is no fault of the modules. */
  stop(): void {
    this.#isStopped = true
    this.#abandon()
  }

  /** Ends the reload that runs, whether it reads the files or loads them: neither may ever end. */
  #abandon(): void {
    this.#ending.abort()
    this.#options.pool.candidates.abandon()
  }

  async #begin(set: ModuleSet, manifests: readonly ModuleManifest[]): Promise<void> {
    await this.#options.declare(set, manifests, null)
    this.#use(set, manifests)
  }

  /** Returns null if a later reload has ended this one. */
  async #reload(): Promise<Reloaded | null> {
    const { metrics } = this.#options
    const { result, complete } = await this.#tryReload()
    if (this.#isStopped) return { kind: "stopped" }
    const hasFailed = result.kind === "rejected" || result.kind === "unavailable"
    if (hasFailed && this.#next !== null) return null
    const wasRejected = this.#rejection !== null
    if (result.kind !== "stopped") metrics.reloaded(result.kind)
    if (result.kind !== "unavailable") this.#rejection = result.kind === "rejected" ? result.rejection : null
    this.#tell(result, wasRejected)
    this.#options.onReload(result)
    await complete
    return result
  }

  /** @returns the result, and a promise that resolves once all workers are ready */
  async #tryReload(): Promise<{ readonly result: Reloaded; readonly complete?: Promise<unknown> }> {
    const { build, declare, pool } = this.#options
    const { set: before, manifests } = this.#current
    this.#ending = new AbortController()
    const { signal } = this.#ending
    if (this.#isStopped) return { result: { kind: "stopped" } }
    try {
      const set = await build(before.files.length > 0, signal)
      signal.throwIfAborted()
      if (set.generation === before.generation) return { result: { kind: "unchanged" } }
      const candidate = await pool.candidates.prepare(set)
      try {
        await declare(set, candidate.manifests, this.#hasBegun ? manifests : null)
      } catch (error) {
        pool.candidates.discard(candidate)
        throw error
      }
      if (this.#isStopped) {
        pool.candidates.discard(candidate)
        return { result: { kind: "stopped" } }
      }
      const complete = pool.adopt(candidate)
      // In the same turn, so that no event is handled by a function of the earlier set.
      this.#use(set, candidate.manifests)
      return { result: { kind: "loaded", before: before.generation }, complete }
    } catch (error) {
      if (error instanceof EngineUnavailableError)
        return { result: { kind: "unavailable", reason: error.message } }
      return { result: { kind: "rejected", rejection: rejectionOf(error, Date.now()), error } }
    }
  }

  #use(set: ModuleSet, manifests: readonly ModuleManifest[]): void {
    this.#hasBegun = true
    this.#current = { set, manifests, since: Date.now() }
    this.#options.dispatcher.use(manifests, set.generation)
  }

  /** @param wasRejected true if the reload before was rejected */
  #tell(result: Reloaded, wasRejected: boolean): void {
    const { logger } = this.#options
    const { set } = this.#current
    const about = { generation: set.generation, modules: set.files.map(({ name }) => name) }
    switch (result.kind) {
      case "unchanged":
        logger.info(
          about,
          wasRejected ? "handler modules are again those in use" : "handler modules are unchanged",
        )
        break
      case "loaded":
        logger[set.files.length > 0 ? "info" : "warn"](
          { ...about, before: result.before },
          set.files.length > 0
            ? "handler modules loaded"
            : "no handler modules any more: events wait in their queues",
        )
        break
      case "unavailable":
        logger.warn({ ...about, reason: result.reason }, UNAVAILABLE)
        break
      case "rejected": {
        const { name, message } = summarizeError(result.error)
        const faulty = new Set(result.rejection.faults.flatMap(({ module }) => module ?? []))
        const told = { generation: set.generation, rejected: [...faulty], error: { name, message } }
        logger.error(told, set.files.length > 0 ? REJECTED : REJECTED_FIRST)
      }
    }
  }
}
