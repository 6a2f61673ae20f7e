import { STATE } from "./delivery-state.ts"
import type { ReadAttempt, ReadDeadLettered, ReadReturn } from "./fact-line.ts"
import {
  appendLine,
  attemptLine,
  deadLetteredLine,
  purgedLine,
  redrivenLine,
  replayedLine,
} from "./timeline.ts"

/** The columns of a delivery. */
export interface DeliveryRow {
  readonly queue: number
  readonly was_published: number
  readonly state: number
  readonly since: number
  readonly attempt: number
  readonly attempts: number
  readonly next_at: number | null
  readonly reason: string | null
  readonly timeline: string
}

/** An event on one queue, while facts are applied to it. */
export class DeliveryRecord {
  readonly queue: number
  /** True if the publication put the event there, and not only a replay. */
  wasPublished: boolean
  state: number = STATE.waiting
  since: number
  /** The latest attempt of this round; 0 before the first. A redrive or a replay begins a round. */
  attempt = 0
  attempts = 0
  nextAt: number | null = null
  reason: string | null = null
  timeline = ""

  constructor(queue: number, wasPublished: boolean, since: number) {
    this.queue = queue
    this.wasPublished = wasPublished
    this.since = since
  }

  static from(row: DeliveryRow): DeliveryRecord {
    const record = new DeliveryRecord(row.queue, row.was_published === 1, row.since)
    record.state = row.state
    record.attempt = row.attempt
    record.attempts = row.attempts
    record.nextAt = row.next_at
    record.reason = row.reason
    record.timeline = row.timeline
    return record
  }

  tried(fact: ReadAttempt): void {
    this.#append(attemptLine(fact))
    this.attempts++
    // Facts of several instances arrive in any order: a run that was overtaken changes no state.
    if (fact.attempt < this.attempt && fact.at <= this.since) return
    this.attempt = fact.attempt
    this.#enter(STATE_AFTER[fact.outcome], fact.at, fact.reason)
    if (fact.outcome === "retry") this.nextAt = fact.nextAt
  }

  deadLettered({ at, reason, error }: ReadDeadLettered): void {
    this.#append(deadLetteredLine(at, reason, error))
    this.#enter(reason === "expired" ? STATE.expired : STATE.dead, at, reason)
  }

  returned({ at, replay, edit }: ReadReturn): void {
    // On RabbitMQ, the run that it led to can be told first.
    const isOvertaken = at < this.since || (replay !== null && this.timeline.includes(JSON.stringify(replay)))
    this.#append(replay === null ? redrivenLine(at, edit) : replayedLine(at, replay))
    if (isOvertaken) return
    this.attempt = 0
    this.#enter(STATE.waiting, at, null)
  }

  purged(at: number): void {
    this.#append(purgedLine(at))
    this.#enter(STATE.cancelled, at, null)
  }

  #enter(state: number, at: number, reason: string | null): void {
    this.state = state
    this.since = at
    this.reason = reason
    this.nextAt = null
  }

  #append(line: string): void {
    this.timeline = appendLine(this.timeline, line)
  }
}

const STATE_AFTER = { handled: STATE.handled, retry: STATE.retrying, "dead-letter": STATE.dead } as const
