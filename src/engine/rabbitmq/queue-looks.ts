import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { QueueDeclaration, QueueStats } from "../engine.ts"
import { EngineUnavailableError } from "../errors.ts"
import { type Depth, QueueLook } from "./queue-look.ts"
import { faultError, faultOf, reasonOf, replyIn } from "./wire/broker-fault.ts"
import { withTimeout } from "./with-timeout.ts"

/** How long a caller waits for a look, in milliseconds: a quorum queue without a leader does not answer. */
const TIMEOUT_MS = 5_000

export interface QueueLooksOptions {
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  /** The queues that this instance declares. */
  readonly queues: () => Iterable<QueueDeclaration>
  /** The queues that others have declared. */
  readonly undeclared: () => readonly QueueDeclaration[]
  /** Called if one that others have declared is missing. */
  readonly onGone: (queue: string) => Promise<void>
  /** Declares a queue that is missing. */
  readonly declare: (queue: string) => Promise<void>
  /** How long a look serves all who ask, in milliseconds. */
  readonly lastsMs: number
}

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
   * Every queue that RabbitMQ tells of. An own queue that is missing is declared first; it is left out if that fails.
   * @throws {EngineUnavailableError}
   */
  async stats(): Promise<readonly QueueStats[]> {
    const client = this.#options.client()
    const last = this.#last
    if (last !== null && performance.now() - last.endedAt < this.#options.lastsMs) return last.stats
    const tooLate = new EngineUnavailableError(`RabbitMQ did not tell of its queues within ${TIMEOUT_MS} ms`)
    return withTimeout(this.#running ?? this.#begin(client), TIMEOUT_MS, tooLate)
  }

  /** How many events wait on each queue, by its name. What is told was so after the call. */
  async freshDepths(): Promise<ReadonlyMap<string, number>> {
    await this.#running?.catch(() => {
      // Whoever asked for that look is told.
    })
    this.#last = null
    return new Map((await this.stats()).map(({ name, messageCount }) => [name, messageCount]))
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
      .catch((error: unknown) => {
        const cause = faultError(faultOf(error))
        throw new EngineUnavailableError(`RabbitMQ can't be asked: ${reasonOf(cause)}`, { cause })
      })
      .finally(() => {
        this.#running = null
      })
    this.#running = running
    return running
  }

  async #look(client: AMQPClient): Promise<readonly QueueStats[]> {
    const { queues, undeclared, onGone } = this.#options
    await using look = new QueueLook(client)
    const stats: QueueStats[] = []
    for (const queue of queues()) {
      const depth = await this.#depthOf(look, queue.name)
      if (depth !== null) stats.push(statsOf(queue, depth))
    }
    for (const queue of undeclared()) {
      const depth = await lookedAt(look, queue.name)
      if (depth === null) await onGone(queue.name)
      else if (typeof depth === "object") stats.push(statsOf(queue, depth))
    }
    return stats
  }

  /** How full an own queue is; what is missing of it is declared first. Null if RabbitMQ does not tell. */
  async #depthOf(look: QueueLook, queue: string): Promise<Depth | null> {
    const depth = await lookedAt(look, queue)
    if (depth === "busy") return null
    if (depth !== "refused" && depth !== null && depth.deadLetterCount !== null) return depth
    try {
      await this.#options.declare(queue)
      return await look.depth(queue)
    } catch (error) {
      // A queue without figures costs its own figures alone. Whoever declares it logs why it can't be.
      if (look.client.closed) throw error
      return null
    }
  }
}

/** How full a queue is; null if it is missing. One that RabbitMQ does not tell of costs its own figures alone. */
async function lookedAt(look: QueueLook, queue: string): Promise<Depth | null | "refused" | "busy"> {
  try {
    return await look.depth(queue)
  } catch (error) {
    if (error instanceof EngineUnavailableError) return "busy"
    if (replyIn(error) === null) throw error
    return "refused"
  }
}

const statsOf = ({ name, bindings, maxLength, overflow }: QueueDeclaration, depth: Depth): QueueStats => ({
  name,
  bindings,
  messageCount: depth.messageCount,
  consumerCount: depth.consumerCount,
  deadLetterCount: depth.deadLetterCount ?? 0,
  maxLength,
  overflow,
})
