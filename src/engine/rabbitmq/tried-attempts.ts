import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { BoundedMap } from "../../event/bounded-map.ts"
import type { Tried } from "../engine.ts"

/** Messages that are remembered: as many of one queue as wait for their next attempt, for some queues. */
const MAX_REMEMBERED = 10_000

/**
 * Remembers what was tried with messages that went back to their queue. RabbitMQ takes no change of a message that goes
 * back to its place, so this process alone knows; another one counts from what the message itself says.
 */
export class TriedAttempts {
  readonly #byMessage = new BoundedMap<Tried>(MAX_REMEMBERED)

  remember(queue: string, message: AMQPMessage, tried: Tried): void {
    const key = keyOf(queue, message)
    if (key !== null) this.#byMessage.set(key, tried)
  }

  /** Returns what was tried with a message before it went back, and forgets it; null if nothing was. */
  take(queue: string, message: AMQPMessage): Tried | null {
    // Only what comes again can have been tried.
    if (this.#byMessage.isEmpty || !message.redelivered) return null
    const key = keyOf(queue, message)
    if (key === null) return null
    const tried = this.#byMessage.get(key) ?? null
    this.#byMessage.delete(key)
    return tried
  }
}

/** Null for a message of another program that has no id. Two messages can have one id, but rarely the same body too. */
function keyOf(queue: string, { properties, body }: AMQPMessage): string | null {
  const { messageId } = properties
  return messageId === undefined ? null : `${queue}\n${messageId}\n${Bun.hash(body ?? "")}`
}
