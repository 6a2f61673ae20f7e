import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { Tried } from "../engine.ts"

/** Messages that are remembered: as many of one queue as wait for their next attempt, for some queues. */
const MAX_REMEMBERED = 10_000

/**
 * Remembers what was tried with messages that went back to their queue. RabbitMQ takes no change of a message that goes
 * back to its place, so this process alone knows; another one counts from what the message itself says.
 */
export class TriedAttempts {
  readonly #byMessage = new Map<string, Tried>()

  remember(queue: string, message: AMQPMessage, tried: Tried): void {
    const key = keyOf(queue, message)
    if (key === null) return
    this.#byMessage.set(key, tried)
    if (this.#byMessage.size <= MAX_REMEMBERED) return
    for (const oldest of this.#byMessage.keys()) {
      this.#byMessage.delete(oldest)
      return
    }
  }

  /** Returns what was tried with a message before it went back, and forgets it; null if nothing was. */
  take(queue: string, message: AMQPMessage): Tried | null {
    // Only what comes again can have been tried.
    if (this.#byMessage.size === 0 || !message.redelivered) return null
    const key = keyOf(queue, message)
    const tried = key === null ? undefined : this.#byMessage.get(key)
    if (key === null || tried === undefined) return null
    this.#byMessage.delete(key)
    return tried
  }
}

/** Null for a message of another program that has no id. Two messages can have one id, but rarely the same body too. */
function keyOf(queue: string, { properties, body }: AMQPMessage): string | null {
  const { messageId } = properties
  return messageId === undefined ? null : `${queue}\n${messageId}\n${Bun.hash(body ?? "")}`
}
