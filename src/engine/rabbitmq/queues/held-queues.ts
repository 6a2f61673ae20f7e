import type { AMQPClient } from "@cloudamqp/amqp-client"
import { RESOURCE_LOCKED, replyIn } from "../wire/broker-fault.ts"
import type { QueueLook } from "./queue-look.ts"

export interface HeldQueuesOptions {
  /** False with `TOPOLOGY=passive`: nothing may be declared, so other instances don't learn of it. */
  readonly isAllowed: boolean
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
}

/** Name of the mark of a queue: an empty queue, as short as the longest name that a queue of events leaves room for. */
const markOf = (queue: string): string => `event-broker.held.${queue}`

/**
 * A mark belongs to the connection that made it, and ends with it. Its type is given, because a virtual host may have
 * another default.
 */
const OWNED = { durable: false, exclusive: true, autoDelete: true }
const TYPE = { "x-queue-type": "classic" }

/**
 * Tells other instances that this one needs queues that it does not consume, because they are paused. RabbitMQ answers
 * whoever asks for the mark of another connection that it is locked.
 */
export class HeldQueues {
  readonly #options: HeldQueuesOptions
  #wanted: ReadonlySet<string> = new Set()
  /** The marks that this instance has, each with the connection that it belongs to. */
  readonly #marked = new Map<string, AMQPClient>()
  #running: Promise<void> = Promise.resolve()

  constructor(options: HeldQueuesOptions) {
    this.#options = options
  }

  /** Holds these queues, and no others. One that is given up is held until the next `keep`, when it has its consumers again. */
  hold(queues: readonly string[]): void {
    this.#wanted = new Set(queues)
    void this.#inTurn((client) => this.#addMarks(client))
  }

  /**
   * Makes the marks that are missing: after a reconnect, or because another instance, which has gone, had them. Never
   * rejects.
   */
  keep(): Promise<void> {
    return this.#inTurn(async (client) => {
      for (const [queue, owner] of this.#marked) {
        if (!this.#wanted.has(queue) || owner !== client) await this.#release(queue, owner)
      }
      await this.#addMarks(client)
    })
  }

  /** Returns whether another instance holds a queue. False if this user may not ask. */
  async isHeldElsewhere(look: QueueLook, queue: string): Promise<boolean> {
    try {
      await look.count(markOf(queue))
      return false
    } catch (error) {
      const reply = replyIn(error)
      if (reply?.kind !== "channel-closed") throw error
      return reply.code === RESOURCE_LOCKED
    }
  }

  #inTurn(work: (client: AMQPClient) => Promise<void>): Promise<void> {
    if (!this.#options.isAllowed || (this.#wanted.size === 0 && this.#marked.size === 0)) return this.#running
    this.#running = this.#running
      .then(() => work(this.#options.client()))
      // The connection is away, and the marks with it. The next look makes them again.
      .catch(() => {})
    return this.#running
  }

  async #addMarks(client: AMQPClient): Promise<void> {
    for (const queue of this.#wanted) if (!this.#marked.has(queue)) await this.#mark(queue, client)
  }

  async #mark(queue: string, client: AMQPClient): Promise<void> {
    const channel = await client.channel()
    try {
      await channel.queueDeclare(markOf(queue), OWNED, TYPE)
      this.#marked.set(queue, client)
      await channel.close()
    } catch (error) {
      // Another instance has the mark, which says the same, or this user may make none.
      if (replyIn(error)?.kind !== "channel-closed") throw error
    }
  }

  async #release(queue: string, owner: AMQPClient): Promise<void> {
    this.#marked.delete(queue)
    if (owner.closed) return
    const channel = await owner.channel()
    await channel.queueDelete(markOf(queue))
    await channel.close()
  }
}
