import type { Engine } from "../engine/engine.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Headcount } from "../telemetry/state-metrics.ts"
import type { Pool } from "../workers/pool.ts"
import { AttemptRunner } from "./attempt-runner.ts"
import { HandlerTable } from "./handler-table.ts"
import { QueueIntake } from "./queue-intake.ts"

export interface DispatcherOptions {
  readonly engine: Engine
  readonly pool: Pool
  /** Workers of the pool. */
  readonly poolSize: number
  /** Jobs that each worker holds at a time. */
  readonly workerPrefetch: number
  /** Checks what other programs published against its schema; null if there are no schemas. */
  readonly schemas: SchemaCheck | null
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Consumes the queues that have a handler module, and pauses and resumes them on this instance. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #runner: AttemptRunner
  readonly #intakes = new Map<string, QueueIntake>()
  #manifests: readonly ModuleManifest[] = []

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#runner = new AttemptRunner(options.pool)
  }

  /** Consumes the queues of these modules. Queues without a module are not consumed; their events wait. */
  start(manifests: readonly ModuleManifest[]): void {
    const { engine, schemas, metrics, logger } = this.#options
    const runner = this.#runner
    this.#manifests = manifests
    const handlers = new HandlerTable(manifests)
    for (const queue of handlers.queues) {
      const prefetch = this.#prefetchOf(manifests.filter((manifest) => manifest.queue === queue))
      const intake = new QueueIntake({ engine, queue, prefetch, handlers, runner, schemas, metrics, logger })
      this.#intakes.set(queue, intake)
      intake.start()
    }
  }

  /** Counts the queues that are consumed, of those that have a handler module and are not paused. */
  get consumers(): Headcount {
    const wanted = [...this.#intakes.values()].filter(({ isStarted }) => isStarted)
    return { present: wanted.filter(({ isConsuming }) => isConsuming).length, expected: wanted.length }
  }

  /** The queues with a handler module that are paused. */
  get paused(): readonly string[] {
    return [...this.#intakes].filter(([, { isStarted }]) => !isStarted).map(([queue]) => queue)
  }

  /** Deliveries that are not settled. */
  get inFlight(): number {
    return [...this.#intakes.values()].reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  /** Returns whether a queue is paused; null if it has no handler module. */
  isPaused(queue: string): boolean | null {
    const intake = this.#intakes.get(queue)
    return intake === undefined ? null : !intake.isStarted
  }

  /** Returns whether events of a queue wait because its workers have as many as they take. */
  isBusy(queue: string): boolean {
    return this.#intakes.get(queue)?.isFull ?? false
  }

  /** The files of the modules whose own bindings take events of these patterns. */
  modulesBoundTo(patterns: readonly string[]): readonly string[] {
    const takesOne = (binding: string): boolean =>
      patterns.some((pattern) => patternsOverlap(binding, pattern))
    return this.#manifests.filter(({ bindings }) => bindings?.some(takesOne)).map(({ file }) => file)
  }

  /** Stops consuming a queue. Deliveries that began are finished; its other events wait until it is resumed. */
  pause(queue: string): void {
    this.#intakes.get(queue)?.stop()
  }

  resume(queue: string): void {
    this.#intakes.get(queue)?.start()
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

  /** Returns a prefetch that keeps every worker busy with as many jobs as it holds, or with one batch per module. */
  #prefetchOf(manifests: readonly ModuleManifest[]): number {
    const { poolSize, workerPrefetch } = this.#options
    const batches = manifests.reduce((sum, { batch }) => sum + (batch?.size ?? 0), 0)
    return poolSize * Math.max(workerPrefetch, batches)
  }
}
