import type { DeadLetterFailure, DeadLetterReason } from "../../../event/failure.ts"
import { decodeRetryFailure } from "../../failure-record.ts"
import type { Report } from "../../report.ts"
import type { Message } from "../store/message-statements.ts"
import type { Queue } from "../store/queue.ts"
import type { Tables } from "../store/tables.ts"
import type { CorruptMessage } from "../store/taken-messages.ts"
import { Burials, type OnBuried } from "./burials.ts"

export interface EndingsOptions extends Pick<Tables, "messages" | "facts" | "clock"> {
  readonly report: Report
  readonly onBuried: OnBuried | undefined
}

/** Makes dead letters of events that end without an attempt, and tells of them when the turn is written. */
export class Endings {
  readonly #options: EndingsOptions
  readonly #burials: Burials
  /** Corrupt events of this turn, as log fields. */
  #corrupt: Readonly<Record<string, unknown>>[] = []

  constructor(options: EndingsOptions) {
    this.#options = options
    this.#burials = new Burials(options.report, options.onBuried)
  }

  /** Begins a turn. The events of the previous one were told, or were never written. */
  begin(): void {
    this.#corrupt = []
    this.#burials.begin()
  }

  /** Tells of the written turn. */
  written(): void {
    this.#burials.written()
    for (const fields of this.#corrupt) {
      this.#options.report("error", "corrupt event moved to the dead letters", fields)
    }
  }

  /** Ends an event that waits in its queue. */
  endReady(queue: Queue, message: Message, reason: DeadLetterReason): void {
    const failure = this.#failureOf(message, message.attempt, reason)
    this.#note(queue, failure, this.#eventIdOf(message))
    this.#options.messages.buryReady(message, failure)
    queue.ready--
    queue.deadLetters++
  }

  /** Ends an event that differs from what was stored. */
  endCorrupt(queue: Queue, { message, eventId, fault }: CorruptMessage): void {
    const error = { name: "CorruptEvent", message: fault }
    const failure = { ...this.#failureOf(message, message.attempt, "corrupt"), error }
    this.#note(queue, failure, eventId)
    this.#options.messages.buryReady(message, failure)
    queue.deadLetters++
    this.#corrupt.push({ queue: queue.declaration.name, event: message.event, event_id: eventId, fault })
  }

  /** Ends an event that was taken but not delivered: the attempt does not count. */
  endExpired(queue: Queue, message: Message): void {
    const failure = this.#failureOf(message, message.attempt - 1, "expired")
    this.#note(queue, failure, this.#eventIdOf(message))
    this.#options.messages.buryUnsettled(message, failure)
    queue.unsettled--
    queue.deadLetters++
  }

  #eventIdOf({ event }: Message): string | null {
    const { facts, messages } = this.#options
    return facts === null ? null : messages.idOf(event)
  }

  #note(queue: Queue, { reason, error, lastFailedAt: at }: DeadLetterFailure, id: string | null): void {
    const { name } = queue.declaration
    this.#burials.note(name, reason)
    if (id === null) return
    const fact = { fact: "dead-lettered", at, id, queue: name, reason } as const
    this.#options.facts?.note({ ...fact, ...(error && { error }) })
  }

  /** Returns the failure record of an event that ends without an attempt. Keeps the error of an earlier attempt. */
  #failureOf(message: Message, attempts: number, reason: DeadLetterReason): DeadLetterFailure {
    const now = this.#options.clock.wallNow()
    const before = decodeRetryFailure(message.failure)
    return {
      reason,
      attempts,
      firstFailedAt: before?.firstFailedAt ?? now,
      lastFailedAt: now,
      error: before?.error ?? null,
      module: before?.module ?? null,
    }
  }
}
