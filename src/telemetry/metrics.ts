import { Counter, Registry } from "prom-client"
import { DurationHistogram } from "./duration-histogram.ts"
import { processMetrics } from "./process-metrics.ts"
import { METRIC_PREFIX, type ServiceState, stateMetrics } from "./state-metrics.ts"
import type { Totals } from "./throughput.ts"

/** Buckets from a commit in memory to the longest wait for a confirm, in seconds. */
const PUBLISH_BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 50]

/** Buckets from a trivial function to the default timeout of a handler, and beyond, in seconds. */
const HANDLER_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Causes for replacing a worker: a handler that did not settle, the end of the worker, or its large heap. */
const WORKER_ENDS = ["timeout", "crash", "memory"] as const

/** Results of a reload of the handler modules. */
const RELOAD_RESULTS = ["loaded", "unchanged", "rejected", "unavailable"] as const

type ReloadResult = (typeof RELOAD_RESULTS)[number]

type WorkerEnd = (typeof WORKER_ENDS)[number]

/**
 * Counts what the service does, for Prometheus. Every label has few values: types, outcomes, queues, functions and routes,
 * and nothing that a client makes up. The `_count` of a histogram counts what has a duration.
 */
export class Metrics {
  /** Counts since the start. */
  readonly totals = { published: 0, handled: 0, failed: 0 } satisfies Totals
  readonly #registry = new Registry()
  readonly #histograms: DurationHistogram[] = []
  readonly #publishes = this.#histogram(
    "publish_duration_seconds",
    "Time from a draft to its confirm or refusal, by event type and outcome.",
    ["type", "outcome"],
    PUBLISH_BUCKETS,
  )
  readonly #deliveries = this.#counter("deliveries_total", "Deliveries, by queue and outcome.", [
    "queue",
    "outcome",
  ])
  readonly #failures = this.#counter("delivery_failures_total", "Failed attempts, by queue and reason.", [
    "queue",
    "reason",
  ])
  readonly #buried = this.#counter(
    "dead_letters_unhandled_total",
    "Events that the embedded engine made dead letters without an attempt, by reason: expired, overflow or corrupt.",
    ["queue", "reason"],
  )
  readonly #handlerDuration = this.#histogram(
    "handler_duration_seconds",
    "Duration of calls of handler functions, by outcome.",
    ["queue", "handler", "outcome"],
    HANDLER_BUCKETS,
  )
  readonly #handlerCpu = this.#counter(
    "handler_cpu_seconds_total",
    "CPU time of calls of handler functions that have ended, as far as it is known which function used it.",
    ["queue", "handler"],
  )
  readonly #sharedCpu = this.#counter(
    "handlers_shared_cpu_seconds_total",
    "CPU time of workers in which calls of several functions overlapped, so that nobody knows which one used it.",
    [],
  )
  readonly #workerEnds = this.#counter("worker_restarts_total", "Workers that were replaced, by cause.", [
    "cause",
  ])
  readonly #reloads = this.#counter("module_reloads_total", "Reloads of the handler modules, by result.", [
    "result",
  ])
  readonly #requests = this.#histogram(
    "http_request_duration_seconds",
    "Time from the head of a request to its answer, by status.",
    ["method", "route", "status"],
    PUBLISH_BUCKETS,
  )

  constructor() {
    processMetrics(this.#registry)
    // Without a zero before its first event, a counter hides that event from rates.
    for (const cause of WORKER_ENDS) this.#workerEnds.inc({ cause }, 0)
    for (const result of RELOAD_RESULTS) this.#reloads.inc({ result }, 0)
  }

  /** Content-Type of `text`. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** Adds metrics of the state at the moment of each scrape. */
  watch(state: ServiceState): void {
    stateMetrics(this.#registry, state)
  }

  /** Writes all metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const texts = this.#histograms.map((histogram) => histogram.text())
    return [await this.#registry.metrics(), ...texts].join("\n")
  }

  /** @param outcome `stored`, `duplicate` if it was stored before, or the code of the refusal */
  published(type: string, outcome: string, seconds: number): void {
    if (outcome === "stored") this.totals.published++
    this.#publishes.observe(seconds, type, outcome)
  }

  /** @param reason why the attempt failed; null if it did not */
  decided(queue: string, outcome: string, reason: string | null): void {
    this.#deliveries.inc({ queue, outcome })
    if (outcome === "ack") this.totals.handled++
    if (reason === null) return
    this.totals.failed++
    this.#failures.inc({ queue, reason })
  }

  /** Counts events that became dead letters without an attempt. */
  buried(queue: string, reason: string, count: number): void {
    this.#buried.inc({ queue, reason }, count)
  }

  handled(queue: string, handler: string, outcome: string, seconds: number): void {
    this.#handlerDuration.observe(seconds, queue, handler, outcome)
  }

  /** @param sharedSeconds CPU time of this or of other functions */
  usedCpu(queue: string, handler: string, ownSeconds: number, sharedSeconds: number): void {
    this.#handlerCpu.inc({ queue, handler }, ownSeconds)
    if (sharedSeconds > 0) this.#sharedCpu.inc(sharedSeconds)
  }

  workerReplaced(cause: WorkerEnd): void {
    this.#workerEnds.inc({ cause })
  }

  reloaded(result: ReloadResult): void {
    this.#reloads.inc({ result })
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe(seconds, method, route, String(status))
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: METRIC_PREFIX + name, help, labelNames, registers: [this.#registry] })
  }

  #histogram(
    name: string,
    help: string,
    labelNames: readonly string[],
    buckets: readonly number[],
  ): DurationHistogram {
    const histogram = new DurationHistogram({ name: METRIC_PREFIX + name, help, labelNames, buckets })
    this.#histograms.push(histogram)
    return histogram
  }
}
