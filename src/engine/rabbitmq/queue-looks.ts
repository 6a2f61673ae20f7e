import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { QueueDeclaration, QueueStats } from "../engine.ts"
import { EngineUnavailableError } from "../errors.ts"
import { reasonOf, replyOf } from "./reply.ts"
import { deadQueueOf } from "./topology.ts"

/** How long a caller waits for a look, in milliseconds: a quorum queue without a leader does not answer. */
const TIMEOUT_MS = 5_000

export interface QueueLooksOptions {
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  readonly queues: () => Iterable<QueueDeclaration>
  /** Declares a queue that is missing. */
  readonly declare: (queue: string) => Promise<void>
  /** How long a look serves all who ask, in milliseconds. */
  readonly lastsMs: number
}

type Figures = Pick<QueueStats, "messageCount" | "consumerCount" | "deadLetterCount">

/**
 * Looks how full the queues are. One look at a time, on one channel, serves all who ask while it runs and for some time
 * after: RabbitMQ gives a connection 2,047 channels, and a look takes two questions per queue.
 */
export class QueueLooks {
  readonly #options: QueueLooksOptions
  #running: Promise<readonly QueueStats[]> | null = null
  #last: { readonly stats: readonly QueueStats[]; readonly endedAt: number } | null = null
  /** Counts how often the queues have changed. */
  #changes = 0

  constructor(options: QueueLooksOptions) {
    this.#options = options
  }

  /**
   * Every queue that RabbitMQ tells of. A queue that is missing is declared first; it is left out if that fails.
   * @throws {EngineUnavailableError}
   */
  async stats(): Promise<readonly QueueStats[]> {
    const client = this.#options.client()
    const last = this.#last
    if (last !== null && performance.now() - last.endedAt < this.#options.lastsMs) return last.stats
    return withinTime(this.#running ?? this.#begin(client))
  }

  /** As `stats`, but what is told was so after the call. */
  async freshStats(): Promise<readonly QueueStats[]> {
    await this.#running?.catch(() => {
      // Whoever asked for that look is told.
    })
    this.#last = null
    return this.stats()
  }

  /** The queues are others than before: the next to ask gets a new look. */
  forget(): void {
    this.#changes++
    this.#last = null
  }

  #begin(client: AMQPClient): Promise<readonly QueueStats[]> {
    const changes = this.#changes
    const running = this.#look(client)
      .then((stats) => {
        if (changes === this.#changes) this.#last = { stats, endedAt: performance.now() }
        return stats
      })
      .catch((cause: unknown) => {
        throw new EngineUnavailableError(`RabbitMQ can't be asked: ${reasonOf(cause)}`, { cause })
      })
      .finally(() => {
        this.#running = null
      })
    this.#running = running
    return running
  }

  async #look(client: AMQPClient): Promise<readonly QueueStats[]> {
    const asking = new Asking(client)
    const stats: QueueStats[] = []
    for (const { name, bindings } of [...this.#options.queues()]) {
      const figures = await this.#figuresOf(asking, name)
      if (figures !== null) stats.push({ name, bindings, ...figures })
    }
    await asking.end()
    return stats
  }

  async #figuresOf(asking: Asking, queue: string): Promise<Figures | null> {
    const ask = async (): Promise<Figures> => {
      const { messageCount, consumerCount } = await asking.ask(queue)
      const dead = await asking.ask(deadQueueOf(queue))
      return { messageCount, consumerCount, deadLetterCount: dead.messageCount }
    }
    try {
      return await ask()
    } catch (error) {
      if (replyOf(error) === null) throw error
    }
    try {
      await this.#options.declare(queue)
      return await ask()
    } catch (error) {
      // A queue without figures costs its own figures alone. Whoever declares it logs why it can't be.
      if (asking.client.closed) throw error
      return null
    }
  }
}

/** Asks about queues on one channel, and on another one after RabbitMQ has closed it over a queue that is missing. */
class Asking {
  readonly client: AMQPClient
  #channel: AMQPChannel | null = null

  constructor(client: AMQPClient) {
    this.client = client
  }

  async ask(queue: string): Promise<{ readonly messageCount: number; readonly consumerCount: number }> {
    if (this.#channel === null || this.#channel.closed) this.#channel = await this.client.channel()
    const passively = { passive: true, durable: true, autoDelete: false, exclusive: false }
    return this.#channel.queueDeclare(queue, passively)
  }

  async end(): Promise<void> {
    if (this.#channel?.closed === false) await this.#channel.close()
  }
}

async function withinTime(look: Promise<readonly QueueStats[]>): Promise<readonly QueueStats[]> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const late = new EngineUnavailableError(`RabbitMQ did not tell of its queues within ${TIMEOUT_MS} ms`)
  const timer = setTimeout(() => reject(late), TIMEOUT_MS)
  try {
    return await Promise.race([look, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
