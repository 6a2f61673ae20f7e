import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { BrokerAccess } from "../connection/broker-address.ts"
import { BrokerConnection } from "../connection/broker-connection.ts"
import type { OutageLog } from "../connection/outage-log.ts"

export interface SeparateConnectionsOptions {
  readonly access: BrokerAccess
  readonly outages: OutageLog
}

/** A consumer that can run on any connection. */
export interface Movable {
  readonly queue: string
  readonly isConsuming: boolean
  readonly start: (client: AMQPClient) => Promise<void>
}

/**
 * Connections that each serve one consumer, whose queue may end them. A consumer stays on its own connection until it is
 * cancelled.
 */
export class SeparateConnections {
  readonly #options: SeparateConnectionsOptions
  readonly #connections = new Map<Movable, BrokerConnection>()

  constructor(options: SeparateConnectionsOptions) {
    this.#options = options
  }

  has(consumer: Movable): boolean {
    return this.#connections.has(consumer)
  }

  /** Starts a consumer on a connection of its own, whenever that is made again. One that has such a connection keeps it. */
  move(consumer: Movable): void {
    if (this.has(consumer)) return
    const connection = new BrokerConnection({
      ...this.#options,
      name: `event-broker consume ${consumer.queue}`,
      setUp: async (client) => void consumer.start(client),
      // The consumer says what is wrong with its queue.
      onDown: () => {},
    })
    this.#connections.set(consumer, connection)
  }

  /** Starts a consumer again that RabbitMQ has lost, on a new connection of its own. */
  restart(consumer: Movable): void {
    const connection = this.#connections.get(consumer)
    if (connection === undefined) this.move(consumer)
    else connection.reset()
  }

  /** Closes the connection of a consumer that has ended. Never rejects. */
  async close(consumer: Movable): Promise<void> {
    const connection = this.#connections.get(consumer)
    if (connection === undefined) return
    this.#connections.delete(consumer)
    // RabbitMQ does not answer for a queue that it can't use, nor confirm the close.
    await connection.close({ isAbrupt: !consumer.isConsuming })
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((consumer) => this.close(consumer)))
  }
}
