import type { AMQPClient } from "@cloudamqp/amqp-client"
import { withTimeout } from "../../../system/with-timeout.ts"
import type { QueueDeclaration, QueueStats } from "../../engine.ts"
import { EngineUnavailableError } from "../../errors.ts"
import { faultError, faultOf, refusalText, replyIn } from "../wire/broker-fault.ts"
import type { HeldQueues } from "./held-queues.ts"
import { type Depth, QueueLook } from "./queue-look.ts"
import type { UndeclaredQueues } from "./undeclared-queues.ts"

/** How long a caller waits, in milliseconds: a quorum queue without a leader does not answer. */
const TIMEOUT_MS = 5_000

/** Unsettled deliveries of a queue. */
export interface UnsettledCount {
  readonly unsettled: number
  /** How many of them have an outcome that is not stored yet. */
  readonly settling: number
}

export interface Elsewhere {
  /** Those that only others have declared, as far as RabbitMQ confirms them. */
  readonly undeclared: Pick<UndeclaredQueues, "confirmed" | "forget">
  /** Those that are paused. */
  readonly held: Pick<HeldQueues, "keep" | "isHeldElsewhere">
}

export interface QueueLooksOptions {
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  /** The queues that this instance declares. */
  readonly queues: () => Iterable<QueueDeclaration>
  /** The queues of other instances. */
  readonly elsewhere: () => Elsewhere
  /** Returns how many events of a queue consumers of this process have. */
  readonly unsettledOf: (queue: string) => UnsettledCount
  /** Declares a queue that is missing. */
  readonly declare: (queue: string) => Promise<void>
  /** Declares queues again that RabbitMQ has refused. Never rejects. */
  readonly retryRefused: () => Promise<void>
  /** How long a result is reused, in milliseconds. */
  readonly lastsMs: number
}

/**
 * Reads the depths of all queues. One run at a time, on one channel, serves everybody who asks during it and
 * for some time afterwards: RabbitMQ allows a connection 2,047 channels, and a run asks twice per queue.
 */
export class QueueLooks {
  readonly #options: QueueLooksOptions
  #running: Promise<readonly QueueStats[]> | null = null
  /** How often the queues had changed when the look began that runs. */
  #runningSince = 0
  #last: { readonly stats: readonly QueueStats[]; readonly endedAt: number } | null = null
  /** Number of changes to the queues. */
  #changes = 0

  constructor(options: QueueLooksOptions) {
    this.#options = options
  }

  /**
   * Returns every queue that RabbitMQ answers for. A missing own queue is declared first; if that fails, it
   * is left out.
   * @throws {EngineUnavailableError}
   */
  async stats(): Promise<readonly QueueStats[]> {
    const client = this.#options.client()
    const last = this.#last
    if (last !== null && performance.now() - last.endedAt < this.#options.lastsMs) return last.stats
    const tooLate = new EngineUnavailableError(
      `RabbitMQ did not return the state of its queues within ${TIMEOUT_MS} ms`,
    )
    const running = this.#runningSince === this.#changes ? this.#running : null
    return withTimeout(running ?? this.#begin(client), TIMEOUT_MS, tooLate)
  }

  /** Returns how many events wait on each queue, by name, read after the call. */
  async freshDepths(): Promise<ReadonlyMap<string, number>> {
    await this.#running?.catch(() => {
      // Whoever started that run receives its error.
    })
    this.#last = null
    return new Map((await this.stats()).map(({ name, messageCount }) => [name, messageCount]))
  }

  /** Drops the last result, because the queues have changed. */
  forget(): void {
    this.#changes++
    this.#last = null
  }

  #begin(client: AMQPClient): Promise<readonly QueueStats[]> {
    const changes = this.#changes
    this.#runningSince = changes
    const running = this.#look(client)
      .then((stats) => {
        if (changes === this.#changes) this.#last = { stats, endedAt: performance.now() }
        return stats
      })
      .catch((error: unknown) => {
        const cause = faultError(faultOf(error))
        throw new EngineUnavailableError(`RabbitMQ can't be queried: ${refusalText(cause)}`, { cause })
      })
      .finally(() => {
        if (this.#running === running) this.#running = null
      })
    this.#running = running
    return running
  }

  async #look(client: AMQPClient): Promise<readonly QueueStats[]> {
    const { queues, elsewhere, retryRefused } = this.#options
    const { undeclared, held } = elsewhere()
    // A queue without a leader may not answer for long, and affects only itself.
    void retryRefused()
    await held.keep()
    await using look = new QueueLook(client)
    const stats: QueueStats[] = []
    for (const queue of queues()) {
      const depth = await this.#depthOf(look, queue.name)
      if (depth !== null) stats.push(await this.#statsOf(look, queue, depth))
    }
    for (const queue of await undeclared.confirmed(look)) {
      const depth = await lookedAt(look, queue.name)
      if (depth === null) undeclared.forget(queue.name)
      else if (typeof depth === "object") stats.push(await this.#statsOf(look, queue, depth))
    }
    return stats
  }

  /**
   * Returns the depth of an own queue, and declares missing parts first. Null if RabbitMQ does not answer for
   * it.
   */
  async #depthOf(look: QueueLook, queue: string): Promise<Depth | null> {
    const depth = await lookedAt(look, queue)
    if (depth === "busy") return null
    if (depth !== "refused" && depth !== null && depth.deadLetterCount !== null) return depth
    try {
      await this.#options.declare(queue)
      return await look.depth(queue)
    } catch (error) {
      // Only this queue is left out of the result. The failed declaration is logged elsewhere.
      if (look.client.closed) throw error
      return null
    }
  }

  /** Adds what this process knows, as soon as RabbitMQ has answered. Nobody can count the retries of one queue. */
  async #statsOf(
    look: QueueLook,
    { name, bindings, maxLength, overflow }: QueueDeclaration,
    depth: Depth,
  ): Promise<QueueStats> {
    const { unsettled: unsettledCount, settling: settlingCount } = this.#options.unsettledOf(name)
    const isHeldElsewhere =
      depth.consumerCount === 0 && (await this.#options.elsewhere().held.isHeldElsewhere(look, name))
    return {
      name,
      bindings,
      messageCount: depth.messageCount,
      unsettledCount,
      settlingCount,
      retryingCount: null,
      oldestWaitingMs: null,
      consumerCount: depth.consumerCount,
      isHeldElsewhere,
      deadLetterCount: depth.deadLetterCount ?? 0,
      maxLength,
      overflow,
    }
  }
}

/**
 * Returns the depth of a queue; null if it is missing. A queue that RabbitMQ does not answer for affects only
 * its own result.
 */
async function lookedAt(look: QueueLook, queue: string): Promise<Depth | null | "refused" | "busy"> {
  try {
    return await look.depth(queue)
  } catch (error) {
    if (error instanceof EngineUnavailableError) return "busy"
    if (replyIn(error) === null) throw error
    return "refused"
  }
}
