import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Headcount } from "../telemetry/state-metrics.ts"
import type { Pool } from "../workers/pool.ts"
import { AttemptRunner } from "./attempt-runner.ts"
import { HandlerTable } from "./handler-table.ts"
import { QueueIntake, type QueueIntakeOptions } from "./queue-intake.ts"

export interface DispatcherOptions {
  readonly engine: Engine
  readonly pool: Pool
  /** Workers of the pool. */
  readonly poolSize: number
  /** Jobs that each worker holds at a time. */
  readonly workerPrefetch: number
  /** Checks what other programs published against its schema; null if there are no schemas. */
  readonly schemas: SchemaCheck | null
  /** The predefined queues. */
  readonly predefined: readonly Pick<QueueDeclaration, "name" | "bindings">[]
  /** Called when somebody has paused or resumed a queue. */
  readonly onPause: (queue: string, isPaused: boolean) => void
  readonly onDeadLetter: QueueIntakeOptions["onDeadLetter"]
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Events held for each call of a module that limits them: one that runs, and the next one. */
const CALLS_AHEAD = 2

/** Consumes the queues that have a handler module, and pauses and resumes them on this instance. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #runner: AttemptRunner
  readonly #intakes = new Map<string, QueueIntake>()
  /** Queues that somebody has paused, with or without a module now. */
  readonly #paused = new Set<string>()
  #manifests: readonly ModuleManifest[] = []
  #handlers = new HandlerTable([], "")

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#runner = new AttemptRunner(options.pool)
  }

  /**
   * Handles events with the modules of this set from now on. A queue that has a module now is consumed, and one that has
   * none any more is not: its events wait. A paused queue stays paused.
   */
  use(manifests: readonly ModuleManifest[], generation: string): void {
    const before = this.#handlers
    const handlers = new HandlerTable(manifests, generation)
    this.#manifests = manifests
    this.#handlers = handlers
    this.#runner.supersede()
    for (const [queue, intake] of this.#intakes) intake.use({ handlers, prefetch: this.#prefetchOf(queue) })
    for (const queue of before.queues) if (!handlers.has(queue)) this.#intakes.get(queue)?.stop()
    for (const queue of handlers.queues) {
      const intake = this.#intakeOf(queue)
      if (!before.has(queue) && !this.#paused.has(queue)) intake.start()
    }
    this.#hold()
  }

  /** Counts the queues that are consumed, of those that have a handler module and are not paused. */
  get consumers(): Headcount {
    const wanted = this.#handled.map(([, intake]) => intake).filter(({ isStarted }) => isStarted)
    return { present: wanted.filter(({ isConsuming }) => isConsuming).length, expected: wanted.length }
  }

  /** The queues that somebody has paused. */
  get paused(): readonly string[] {
    return [...this.#paused]
  }

  /** Deliveries that are not settled. */
  get inFlight(): number {
    return [...this.#intakes.values()].reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  /** Returns whether a queue has a handler module. */
  hasModule(queue: string): boolean {
    return this.#handlers.has(queue)
  }

  /** Returns whether a queue is paused, also if it has no handler module any more; null if there is nothing to pause. */
  isPaused(queue: string): boolean | null {
    return this.#paused.has(queue) || (this.hasModule(queue) ? false : null)
  }

  /** Returns whether events of a queue wait because its workers have as many as they take. */
  isBusy(queue: string): boolean {
    return this.#intakes.get(queue)?.isFull ?? false
  }

  /** Returns how many events of a queue this instance holds for their next attempt, because of their ordering key. */
  heldRetries(queue: string): number {
    return this.#intakes.get(queue)?.heldRetries ?? 0
  }

  /** The files of the modules whose own bindings take events of these patterns. */
  modulesBoundTo(patterns: readonly string[]): readonly string[] {
    const takesOne = (binding: string): boolean =>
      patterns.some((pattern) => patternsOverlap(binding, pattern))
    return this.#manifests.filter(({ bindings }) => bindings?.some(takesOne)).map(({ file }) => file)
  }

  /** Stops consuming a queue. Deliveries that began are finished; its other events wait until it is resumed. */
  pause(queue: string): void {
    if (this.isPaused(queue) !== false) return
    this.#paused.add(queue)
    this.#intakes.get(queue)?.stop()
    this.#hold()
    this.#options.onPause(queue, true)
  }

  resume(queue: string): void {
    if (this.isPaused(queue) !== true) return
    this.#paused.delete(queue)
    if (this.hasModule(queue)) this.#intakes.get(queue)?.start()
    this.#hold()
    this.#options.onPause(queue, false)
  }

  /** Returns the queues through which a module takes events of this name and routing key. */
  queuesTaking(name: string, routingKey: string): readonly string[] {
    const taking = this.#manifests.filter(
      ({ names, queue }) =>
        (names.includes(name) || names.includes("*")) &&
        this.#patternsOf(queue).some((pattern) => patternsOverlap(pattern, routingKey)),
    )
    return taking.map(({ queue }) => queue)
  }

  /** A paused queue looks to other instances as if nobody needed it. */
  #hold(): void {
    this.#options.engine.queueAdministration.hold(this.paused)
  }

  #patternsOf(queue: string): readonly string[] {
    const predefined = this.#options.predefined.find(({ name }) => name === queue)?.bindings ?? []
    const own = this.#manifests.flatMap((each) => (each.queue === queue ? (each.bindings ?? []) : []))
    return [...predefined, ...own]
  }

  /** Stops consuming. No delivery begins after this. */
  stop(): void {
    for (const intake of this.#intakes.values()) intake.stop()
    this.#runner.stop()
  }

  /** Resolves once every delivery that began is settled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#intakes.values()].map((intake) => intake.settled()))
  }

  /** The intakes of queues that have a module. Others may still settle their last deliveries. */
  get #handled(): readonly (readonly [queue: string, intake: QueueIntake])[] {
    return [...this.#intakes].filter(([queue]) => this.#handlers.has(queue))
  }

  #intakeOf(queue: string): QueueIntake {
    const { engine, schemas, onDeadLetter, metrics, logger } = this.#options
    const known = this.#intakes.get(queue)
    if (known !== undefined) return known
    const use = { handlers: this.#handlers, prefetch: this.#prefetchOf(queue) }
    const runner = this.#runner
    const intake = new QueueIntake({ engine, queue, runner, schemas, onDeadLetter, metrics, logger }, use)
    this.#intakes.set(queue, intake)
    return intake
  }

  /**
   * Returns a prefetch that keeps every worker busy with as many jobs as it holds, or with one batch per module; less if all
   * modules of the queue limit their calls: deliveries that can't begin soon are better left to other instances.
   */
  #prefetchOf(queue: string): number {
    const { poolSize, workerPrefetch } = this.#options
    const modules = this.#manifests.filter((manifest) => manifest.queue === queue)
    const batches = modules.reduce((sum, { batch }) => sum + (batch?.size ?? 0), 0)
    const most = poolSize * Math.max(workerPrefetch, batches)
    const limited = modules.reduce(
      (sum, { concurrency, batch }) => sum + (concurrency ?? most) * (batch?.size ?? 1) * CALLS_AHEAD,
      0,
    )
    return Math.max(1, Math.min(most, limited))
  }
}
