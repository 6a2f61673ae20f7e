import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { entriesOf } from "./journal.ts"

/** The counts of a queue in `/api/v1/events/stats`. */
interface Counts {
  readonly waiting_count: number
  readonly running_count: number
  readonly retrying_count: number
  readonly dead_letter_count: number
}

/** The fields that count every event of a queue, each once. */
export const STATES = ["waiting_count", "running_count", "retrying_count", "dead_letter_count"] as const

/** How long no handler has finished before the counts have to be right. */
const SETTLED_MS = 500
/** The same on RabbitMQ, whose figures are reused for a second. */
const REUSED_MS = 1_100
/** How long they then have to stay right. Events retry, and come due, in that time. */
const QUIET_MS = 1_200
const BOUND_MS = 30_000
/** Leaves the service time for its own work. */
const SAMPLE_INTERVAL_MS = 2

const allOf = (counts: Counts): number => STATES.reduce((sum, state) => sum + counts[state], 0)

/**
 * Knows how many events a service has: those that were published, without those that a handler has noted as `done` and
 * those that were purged. Compares that with the counts of the service.
 */
export class CountedEvents {
  readonly #folder: ServiceFolder
  /** The states that were seen in any sample. */
  readonly seen = new Set<(typeof STATES)[number]>()
  /** Publishes that were requested, and those that were answered. */
  #requested = 0
  #stored = 0
  #purged = 0
  service: RunningService

  constructor(folder: ServiceFolder, service: RunningService) {
    this.#folder = folder
    this.service = service
  }

  get #done(): number {
    return new Set(entriesOf(this.#folder).flatMap(({ what, n }) => (what === "done" ? [n] : []))).size
  }

  get #left(): number {
    return this.#stored - this.#purged - this.#done
  }

  async publish(events: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    this.#requested += events.length
    const answer = await this.service.post("/api/v1/events/batch", { events })
    expect(answer.status).toBe(201)
    this.#stored += events.length
  }

  async purge(queue: string): Promise<void> {
    const answer = await fetch(`${this.service.url}/api/v1/queues/${queue}/purge`, { method: "POST" })
    this.#purged += ((await answer.json()) as { readonly purged: number }).purged
  }

  /** Takes a sample of all queues together. */
  async sample(): Promise<Counts> {
    await Bun.sleep(SAMPLE_INTERVAL_MS)
    const { body } = await this.service.get("/api/v1/events/stats")
    const queues = body as readonly Counts[]
    const of = (state: (typeof STATES)[number]) => queues.reduce((sum, each) => sum + (each[state] ?? 0), 0)
    const counts = {
      waiting_count: of("waiting_count"),
      running_count: of("running_count"),
      retrying_count: of("retrying_count"),
      dead_letter_count: of("dead_letter_count"),
    }
    for (const state of STATES) if (counts[state] > 0) this.seen.add(state)
    return counts
  }

  /** On RabbitMQ, events that move are counted up to a second late. */
  async #isExact(): Promise<boolean> {
    return ((await this.service.get("/health")).body as { readonly engine: string }).engine === "embedded"
  }

  /** Takes samples until the work ends. On the embedded engine, no event that is stored is ever missing. */
  async watch(work: Promise<unknown>): Promise<void> {
    const isExact = await this.#isExact()
    let isOver = false
    const ended = work.finally(() => {
      isOver = true
    })
    while (!isOver) {
      const stored = this.#stored
      const counts = await this.sample()
      if (!isExact) continue
      // A purge is requested only while nothing is watched.
      expect(allOf(counts)).toBeGreaterThanOrEqual(stored - this.#purged - this.#done)
      expect(allOf(counts)).toBeLessThanOrEqual(this.#requested - this.#purged)
    }
    await ended
  }

  /**
   * Waits until handlers finish no more events, because they are held, and expects every event in exactly one count from
   * then on. On the embedded engine, events that retry still move between the counts.
   */
  async areAllCounted(): Promise<void> {
    const isExact = await this.#isExact()
    let done = -1
    let since = 0
    await waitUntil(
      async () => {
        const counts = await this.sample()
        const isStill = allOf(counts) === this.#left && counts.retrying_count === 0
        const isSettled = this.#done === done && (isExact || isStill)
        if (!isSettled) since = performance.now()
        done = this.#done
        return performance.now() - since > (isExact ? SETTLED_MS : REUSED_MS)
      },
      `every event to be counted once: ${this.#left} events are left`,
      BOUND_MS,
    )
    const until = performance.now() + QUIET_MS
    while (performance.now() < until) {
      const counts = await this.sample()
      expect({ ...counts, done: this.#done, all: allOf(counts) }).toEqual({
        ...counts,
        done,
        all: this.#left,
      })
    }
  }
}
