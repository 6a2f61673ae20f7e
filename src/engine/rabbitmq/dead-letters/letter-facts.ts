import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { BoundedMap } from "../../../event/bounded-map.ts"
import { type Event, isEventId } from "../../../event/envelope.ts"
import type { DeadLetteredFact } from "../../../event/history-fact.ts"
import { decodeEvent } from "../../../event/validate.ts"
import type { EditedEvent } from "../../dead-letter.ts"
import { editedFact } from "../../edited-fact.ts"
import type { RecordFacts } from "../history/rabbitmq-fact-log.ts"
import { bodyOf, brokerDeathOf, failureOf, isForeign } from "../wire/decode.ts"

/** Most dead letters of the broker that are remembered as recorded. */
const MAX_REMEMBERED = 10_000

interface Identified {
  readonly id: string
  /** Only of an event that another program published: there is no other record of it. */
  readonly event?: Event
}

/** Records what this service does with dead letters, and those that RabbitMQ itself has made, when they are first seen. */
export class LetterFacts {
  readonly #record: RecordFacts
  readonly #seen = new BoundedMap<true>(MAX_REMEMBERED)

  constructor(record: RecordFacts) {
    this.#record = record
  }

  /** RabbitMQ tells nobody of events that expire or leave a full queue. Nobody waits for these facts. */
  seen(messages: readonly AMQPMessage[], queue: string): void {
    const facts = messages.flatMap((message) => this.#deathOf(message, queue) ?? [])
    if (facts.length > 0) void this.#record(...facts)
  }

  /** Resolves once the facts are stored, or that takes too long. */
  async redriven(
    messages: readonly AMQPMessage[],
    queue: string,
    at: number,
    edited: EditedEvent | null,
  ): Promise<void> {
    this.seen(messages, queue)
    const change = editedFact(edited)
    const facts = idsOf(messages).map((id) => ({ fact: "redriven" as const, at, id, queue, ...change }))
    await this.#record(...facts)
  }

  /** Resolves once the fact is stored, or that takes too long. */
  async purged(messages: readonly AMQPMessage[], queue: string): Promise<void> {
    this.seen(messages, queue)
    const ids = idsOf(messages)
    if (ids.length > 0)
      await this.#record({ fact: "purged", at: Date.now(), queue, from: "dead-letters", ids })
  }

  #deathOf(message: AMQPMessage, queue: string): DeadLetteredFact | null {
    const reason = brokerDeathOf(message, queue)
    const identified = reason === null ? null : identify(message)
    if (reason === null || identified === null) return null
    const diedAt = failureOf(message, queue)?.lastFailedAt ?? 0
    const key = `${queue}\n${identified.id}\n${diedAt}`
    if (this.#seen.get(key)) return null
    this.#seen.set(key, true)
    return { fact: "dead-lettered", at: diedAt || Date.now(), queue, reason, ...identified }
  }
}

const idsOf = (messages: readonly AMQPMessage[]): readonly string[] =>
  messages.flatMap((message) => identify(message)?.id ?? [])

/** Null for a message that is not an event. */
function identify(message: AMQPMessage): Identified | null {
  const { messageId } = message.properties
  if (messageId !== undefined && !isForeign(message) && isEventId(messageId)) return { id: messageId }
  try {
    const event = decodeEvent(bodyOf(message))
    return { id: event.id, event }
  } catch {
    // A message of another program.
    return null
  }
}
