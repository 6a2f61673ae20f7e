import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { BoundedMap } from "../../../event/bounded-map.ts"
import type { Tried } from "../../engine.ts"

/** Most messages remembered: as many as wait for their next attempt in a few queues. */
const MAX_REMEMBERED = 10_000

/**
 * Remembers attempts of messages that returned to their queue. RabbitMQ can't change a message that returns
 * to its place, so only this process knows them; other processes count from the message itself.
 */
export class TriedAttempts {
  readonly #byMessage = new BoundedMap<Tried>(MAX_REMEMBERED)

  remember(queue: string, message: AMQPMessage, tried: Tried): void {
    const key = keyOf(queue, message)
    if (key !== null) this.#byMessage.set(key, tried)
  }

  /**
   * Returns the attempts made with a message before it returned, and forgets them; null if there were none.
   */
  take(queue: string, message: AMQPMessage): Tried | null {
    // Only redelivered messages can have been tried.
    if (this.#byMessage.isEmpty || !message.redelivered) return null
    const key = keyOf(queue, message)
    if (key === null) return null
    const tried = this.#byMessage.get(key) ?? null
    this.#byMessage.delete(key)
    return tried
  }
}

/**
 * Returns null for a message of another program without an id. Two messages can share an id, but rarely the
 * body as well.
 */
function keyOf(queue: string, { properties, body }: AMQPMessage): string | null {
  const { messageId } = properties
  return messageId === undefined ? null : `${queue}\n${messageId}\n${Bun.hash(body ?? "")}`
}
