import { type Backoff, RetryDelays } from "../../event/backoff.ts"
import type { QueueDeclaration } from "../engine.ts"
import { EngineUnavailableError, PublishError } from "../errors.ts"
import type { Topology } from "./topology.ts"
import type { Troubles } from "./troubles.ts"
import { faultOf, NOT_FOUND, reasonOf, replyIn } from "./wire/broker-fault.ts"

/** The waits between attempts to declare a queue that RabbitMQ does not let us declare. */
const DECLARE_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

export interface RepairsOptions {
  /** Declares a queue as it was declared first, with its exchanges, its bindings and its dead letters' queue. */
  readonly declare: (queue: string) => Promise<void>
  readonly queues: () => Iterable<QueueDeclaration>
  readonly topology: Pick<Topology, "mode" | "exchangeType">
  readonly troubles: Troubles
}

interface Failed {
  readonly error: unknown
  readonly delays: RetryDelays
  /** By the monotonic clock, in milliseconds. */
  readonly isTriedAgainAt: number
}

/** Whether RabbitMQ says that what was used is not there. */
export const isMissing = (error: unknown): boolean =>
  (error instanceof PublishError && error.code === "unroutable") || replyIn(error)?.code === NOT_FOUND

/** Declares again what vanished from the broker: deleted by hand, by another program or by a policy. */
export class Repairs {
  readonly #options: RepairsOptions
  readonly #running = new Map<string, Promise<void>>()
  readonly #failed = new Map<string, Failed>()

  constructor(options: RepairsOptions) {
    this.#options = options
  }

  /**
   * Declares a queue again. Callers of the same moment share one declaration. After a failure the same error is
   * returned until the backoff is over, so that many publishers don't become many declarations.
   */
  declare(queue: string): Promise<void> {
    const running = this.#running.get(queue)
    if (running !== undefined) return running
    const failed = this.#failed.get(queue)
    if (failed !== undefined && performance.now() < failed.isTriedAgainAt) return Promise.reject(failed.error)
    const declaring = this.#declare(queue).finally(() => this.#running.delete(queue))
    this.#running.set(queue, declaring)
    return declaring
  }

  /** As `declare`, for a queue that is known to be missing, or its bindings, its exchange or its dead letters' queue. */
  async declareMissing(queue: string): Promise<void> {
    const { topology, troubles } = this.#options
    await this.declare(queue)
    if (topology.mode === "declare") troubles.mended(queue)
  }

  /**
   * Publishes an event again that RabbitMQ returned although these queues are bound for its routing key.
   * @throws {PublishError} `unroutable` if none is, or with `TOPOLOGY=passive`, where others decide what is bound;
   * `engine-unavailable` if the queues can't be declared, or the event is returned once more.
   */
  async publishReturned(
    queues: readonly QueueDeclaration[],
    returned: PublishError,
    publish: () => Promise<void>,
  ): Promise<void> {
    const { mode, exchangeType } = this.#options.topology
    // Patterns say where an event goes on a topic exchange alone.
    if (queues.length === 0 || exchangeType !== "topic") throw returned
    await this.declareAllBut(queues)
    for (const { name } of queues) await this.#declareFor(name, returned)
    try {
      await publish()
    } catch (error) {
      if (!isMissing(error)) throw error
      if (mode === "passive") throw returned
      throw returnedAgain(queues.map(({ name }) => name).join(", "), error)
    }
  }

  /** Publishes to a queue by its name, and once more if the queue was missing and could be declared. */
  async publish(queue: string, publish: () => Promise<void>): Promise<void> {
    try {
      await publish()
    } catch (error) {
      if (!isMissing(error)) throw error
      await this.#declareFor(queue, error)
      await publish().catch((second: unknown) => {
        throw isMissing(second) ? returnedAgain(queue, second) : second
      })
    }
  }

  /**
   * Does something with a queue, and once more if the queue was missing and could be declared.
   * @throws {EngineUnavailableError} if it can't be declared.
   */
  async whereMissing<Result>(queue: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    try {
      await this.declareMissing(queue)
    } catch (cause) {
      const why = `the queue ${queue} is gone, and can't be declared again: ${reasonOf(cause)}`
      throw new EngineUnavailableError(why, { cause })
    }
    return work()
  }

  /**
   * Declares all queues but these. An exchange that was deleted has lost the bindings of all: once one queue is bound
   * again, an event that goes to several is not returned any more, and the others would miss it.
   */
  async declareAllBut(queues: readonly QueueDeclaration[]): Promise<void> {
    const rest = [...this.#options.queues()].filter((each) => !queues.includes(each))
    // A queue that can't be declared is logged, and concerns its own events only.
    await Promise.allSettled(rest.map(({ name }) => this.declare(name)))
  }

  async #declareFor(queue: string, returned: unknown): Promise<void> {
    try {
      await this.declareMissing(queue)
    } catch (error) {
      const why = `the queue ${queue} is gone, and can't be declared again: ${reasonOf(error)}`
      throw new PublishError("engine-unavailable", why, "not-stored", { cause: returned })
    }
  }

  async #declare(queue: string): Promise<void> {
    const { declare, troubles } = this.#options
    try {
      await declare(queue)
      this.#failed.delete(queue)
      troubles.ended(queue)
    } catch (error) {
      const delays = this.#failed.get(queue)?.delays ?? new RetryDelays(DECLARE_BACKOFF)
      this.#failed.set(queue, { error, delays, isTriedAgainAt: performance.now() + delays.next() })
      // A connection that was lost says so by the state of the engine.
      if (replyIn(error) !== null || faultOf(error).kind === "timeout") {
        troubles.began(queue, reasonOf(error), "it is missing, and can't be declared again")
      }
      throw error
    }
  }
}

const returnedAgain = (queues: string, cause: unknown): PublishError =>
  new PublishError(
    "engine-unavailable",
    `RabbitMQ returned the event, though ${queues} was declared for it again`,
    "not-stored",
    { cause },
  )
