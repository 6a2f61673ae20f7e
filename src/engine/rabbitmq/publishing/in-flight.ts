import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { Outgoing, PendingPublish } from "./pending-publish.ts"

/** Publishes waiting for their confirm, in the order of their timeouts. */
export class InFlight {
  readonly #pending = new Set<PendingPublish>()
  readonly #returnable = new Map<string, PendingPublish[]>()

  get size(): number {
    return this.#pending.size
  }

  /** Entries may be added and removed during the iteration. */
  [Symbol.iterator](): Iterator<PendingPublish> {
    return this.#pending.values()
  }

  has(pending: PendingPublish): boolean {
    return this.#pending.has(pending)
  }

  add(pending: PendingPublish): void {
    this.#pending.add(pending)
    const key = keyOfOutgoing(pending.outgoing)
    const alike = this.#returnable.get(key)
    if (alike === undefined) this.#returnable.set(key, [pending])
    else alike.push(pending)
  }

  /** Returns false if the publish is not waiting any more. */
  remove(pending: PendingPublish): boolean {
    if (!this.#pending.delete(pending)) return false
    const key = keyOfOutgoing(pending.outgoing)
    const alike = this.#returnable.get(key)
    if (alike === undefined || alike.length <= 1) this.#returnable.delete(key)
    else alike.splice(alike.indexOf(pending), 1)
    return true
  }

  /** Marks the publish of a returned message. Of several with the same key, the first was returned first. */
  takeReturn(message: AMQPMessage): void {
    const alike = this.#returnable.get(keyOf(message.properties.messageId, message.routingKey))
    const first = alike?.find(({ isReturned }) => !isReturned)
    if (first !== undefined) first.isReturned = true
  }
}

const keyOfOutgoing = ({ properties, routingKey }: Outgoing): string =>
  keyOf(properties.messageId, routingKey)

const keyOf = (messageId: string | undefined, routingKey: string): string => `${messageId}\n${routingKey}`
