import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { EngineUnavailableError, PublishError, QueueRefusedError } from "../../errors.ts"
import { faultOf, NOT_FOUND, refusalText, replyIn } from "../wire/broker-fault.ts"
import type { Topology } from "./topology.ts"
import type { Troubles } from "./troubles.ts"

/**
 * How long a missing queue stays missing, in milliseconds, so that RabbitMQ 3 tells every consumer that the
 * queue was deleted: see `forgetsConsumers`. Seen: up to 30 ms later, on a very busy machine more than 100 ms.
 */
const DELETION_TOLD_MS = 250

/**
 * Backoff between publishes that RabbitMQ still returns after their queue was bound. If two instances bind it at once,
 * RabbitMQ 4 answers the second before the binding of the first has an effect. Seen: less than 100 ms.
 */
const BINDING_BACKOFF: Backoff = { initialMs: 20, factor: 2, maxMs: 640 }

/** Publishes after which a queue counts as not bound: about a second. */
const MAX_RETURNS = 7

/** Backoff between attempts to declare a queue whose declaration RabbitMQ refuses. */
const DECLARE_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

export interface RepairsOptions {
  /** Declares a queue with its original arguments, exchanges, bindings and dead-letter queue. */
  readonly declare: (queue: string) => Promise<void>
  readonly queues: () => Iterable<QueueDeclaration>
  readonly topology: Pick<Topology, "mode" | "exchangeType">
  readonly troubles: Troubles
}

interface Failed {
  readonly error: unknown
  readonly delays: RetryDelays
  /** On the monotonic clock, in milliseconds. */
  readonly isTriedAgainAt: number
}

/** Returns whether RabbitMQ says that something does not exist. */
export const isMissing = (error: unknown): boolean =>
  (error instanceof PublishError && error.code === "unroutable") || replyIn(error)?.code === NOT_FOUND

/**
 * Declares objects again that vanished from the broker: deleted by hand, by another program or by a policy.
 */
export class Repairs {
  readonly #options: RepairsOptions
  readonly #running = new Map<string, Promise<void>>()
  readonly #failed = new Map<string, Failed>()

  constructor(options: RepairsOptions) {
    this.#options = options
  }

  /**
   * Declares a queue again. Concurrent callers share one declaration. After a failure, callers get the same
   * error until the backoff is over, so that many publishers don't cause many declarations.
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

  /** Queues whose declaration RabbitMQ refuses until somebody changes something. */
  get refused(): readonly string[] {
    return [...this.#failed].flatMap(([name, { error }]) =>
      error instanceof QueueRefusedError ? [name] : [],
    )
  }

  /** Notes that a queue could not be declared on a new connection. `retry` tries again. */
  refuse(queue: string, error: unknown): void {
    this.#fail(queue, error)
    this.#options.troubles.began(
      queue,
      refusalText(error),
      "it can't be declared, and the other queues are used",
    )
  }

  /** Declares queues again that could not be declared, each when its backoff is over. Never rejects. */
  async retry(): Promise<void> {
    await Promise.allSettled([...this.#failed.keys()].map((queue) => this.declare(queue)))
  }

  /** Forgets that a queue could not be declared, because its declaration has changed. */
  forget(queue: string): void {
    if (this.#failed.delete(queue)) this.#options.troubles.ended(queue)
  }

  /**
   * Like `declare`, for a queue that is known to be missing, or whose bindings, exchange or dead-letter queue
   * are.
   */
  async declareMissing(queue: string): Promise<void> {
    await this.#consumersTold()
    await this.#declareMissing(queue)
  }

  /**
   * Publishes an event again that RabbitMQ returned although these queues are bound for its routing key.
   * @throws {PublishError} `unroutable` if no queue is bound, or with `TOPOLOGY=passive`, where others decide
   * the bindings; `engine-unavailable` if the queues can't be declared, or the event is returned again.
   */
  async publishReturned(
    queues: readonly QueueDeclaration[],
    returned: PublishError,
    publish: () => Promise<void>,
  ): Promise<void> {
    const { mode, exchangeType } = this.#options.topology
    // Only on a topic exchange do the patterns say where an event is routed.
    if (queues.length === 0 || exchangeType !== "topic") throw returned
    await this.#consumersTold()
    await this.declareAllBut(queues)
    for (const { name } of queues) await this.#declareFor(name, returned)
    if (mode === "passive") {
      await publish().catch((error: unknown) => {
        throw isMissing(error) ? returned : error
      })
      return
    }
    await publishBound(queues.map(({ name }) => name).join(", "), publish)
  }

  /** Publishes to a queue by its name, and once more if the queue was missing and could be declared. */
  async publish(queue: string, publish: () => Promise<void>): Promise<void> {
    try {
      await publish()
    } catch (error) {
      if (!isMissing(error)) throw error
      await this.#consumersTold()
      await this.#declareFor(queue, error)
      await publishBound(queue, publish)
    }
  }

  /**
   * Runs work on a queue, and once more if the queue was missing and could be declared.
   * @throws {EngineUnavailableError} if the queue can't be declared.
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
      const why = `the queue ${queue} is missing and can't be declared again: ${refusalText(cause)}`
      throw new EngineUnavailableError(why, { cause })
    }
    return work()
  }

  /**
   * Declares all queues except these. A deleted exchange has lost the bindings of all queues. After one queue
   * is bound again, an event for several queues is no longer returned, and the others would miss it.
   */
  async declareAllBut(queues: readonly QueueDeclaration[]): Promise<void> {
    const rest = [...this.#options.queues()].filter((each) => !queues.includes(each))
    // A failed declaration is logged, and affects only that queue's own events.
    await Promise.allSettled(rest.map(({ name }) => this.declare(name)))
  }

  async #consumersTold(): Promise<void> {
    if (this.#options.topology.mode === "declare") await Bun.sleep(DELETION_TOLD_MS)
  }

  async #declareMissing(queue: string): Promise<void> {
    const { topology, troubles } = this.#options
    await this.declare(queue)
    if (topology.mode === "declare") troubles.mended(queue)
  }

  async #declareFor(queue: string, returned: unknown): Promise<void> {
    try {
      await this.#declareMissing(queue)
    } catch (error) {
      const why = `the queue ${queue} is missing and can't be declared again: ${refusalText(error)}`
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
      this.#fail(queue, error)
      // The engine's state already shows a lost connection.
      if (replyIn(error) !== null || faultOf(error).kind === "timeout") {
        troubles.began(queue, refusalText(error), "it is missing and can't be declared again")
      }
      throw error
    }
  }

  #fail(queue: string, error: unknown): void {
    const delays = this.#failed.get(queue)?.delays ?? new RetryDelays(DECLARE_BACKOFF)
    this.#failed.set(queue, { error, delays, isTriedAgainAt: performance.now() + delays.next() })
  }
}

/**
 * Publishes to queues that were just declared and bound. @throws {PublishError} `engine-unavailable` if RabbitMQ goes on
 * returning the event.
 */
async function publishBound(queues: string, publish: () => Promise<void>): Promise<void> {
  const delays = new RetryDelays(BINDING_BACKOFF)
  for (let returns = 1; ; returns++) {
    try {
      return await publish()
    } catch (error) {
      if (!isMissing(error)) throw error
      if (returns === MAX_RETURNS) throw returnedAgain(queues, error)
    }
    await Bun.sleep(delays.next())
  }
}

const returnedAgain = (queues: string, cause: unknown): PublishError =>
  new PublishError(
    "engine-unavailable",
    `RabbitMQ returned the event, although ${queues} was declared again`,
    "not-stored",
    { cause },
  )
