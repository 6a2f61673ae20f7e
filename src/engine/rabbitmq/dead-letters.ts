import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import { matcherOf } from "../dead-letter-selection.ts"
import type { DeadLetter, DeadLetterSelection, Purged, Redriven, RedriveOptions } from "../engine.ts"
import { EngineUnavailableError, PublishError } from "../errors.ts"
import { bodyOf, failureOf } from "./message.ts"
import { OneAtATime } from "./one-at-a-time.ts"
import { TakenMessages } from "./taken-messages.ts"
import { deadQueueOf } from "./topology.ts"
import { faultError, faultOf } from "./wire/broker-fault.ts"

export interface DeadLettersOptions {
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  /** Stores a dead letter on its queue again. Rejects with a `PublishError`. */
  readonly store: (message: AMQPMessage, queue: string) => Promise<void>
}

/** Of a message that somebody else put there, without a word why. */
const UNKNOWN_FAILURE: FailureRecord = {
  reason: "rejected",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: null,
  module: null,
}

/**
 * The most that is taken off one queue at a time, the most that AMQP's basic.qos takes. Those behind are reached once
 * there are fewer before them.
 */
const MAX_TAKEN = 65_535

/** How many are stored again before the next are. */
const PAGE_SIZE = 200

type Letter = DeadLetter & { readonly message: AMQPMessage }

/** Does with a page of what is selected what is to be done. Returns those that leave the dead letters. */
type Visit = (letters: readonly Letter[]) => Promise<readonly Letter[]>

/**
 * The dead letters of every queue. AMQP can only take messages and give them back, and a quorum queue puts what comes
 * back behind what came back before; so all of them are taken each time, whatever the selection, and given back by
 * closing the channel: that alone keeps their order. (Of several messages that are nacked, RabbitMQ 3.10 keeps none.)
 * The queue has no delivery limit, so it can be done any number of times. What one call has taken the next would not
 * see: calls for one queue wait for each other, within this process.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #queues = new OneAtATime()

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  async look(queue: string, selection: DeadLetterSelection): Promise<readonly DeadLetter[]> {
    const found: DeadLetter[] = []
    await this.#walk(queue, selection, async (letters) => {
      for (const { body, failure } of letters) found.push({ body, failure })
      return []
    })
    return found
  }

  /** Each is stored on its queue before it is acked here, so that none is lost when the process is killed. */
  async redrive(
    queue: string,
    selection: DeadLetterSelection,
    { dryRun = false }: RedriveOptions,
  ): Promise<Redriven> {
    let redriven = 0
    let fault: unknown
    const remaining = await this.#walk(queue, selection, async (letters) => {
      if (dryRun) redriven += letters.length
      if (dryRun || fault !== undefined) return []
      const stored = await Promise.allSettled(
        letters.map(({ message }) => this.#options.store(message, queue)),
      )
      fault = stored.find((each) => each.status === "rejected")?.reason
      const moved = letters.filter((_, index) => stored[index]?.status === "fulfilled")
      redriven += moved.length
      return moved
    })
    const isFull = fault instanceof PublishError && fault.code === "queue-full"
    if (fault !== undefined && !isFull) throw fault
    return { redriven, remaining: dryRun ? remaining - redriven : remaining }
  }

  async purge(queue: string, selection: DeadLetterSelection): Promise<Purged> {
    let purged = 0
    const remaining = await this.#walk(queue, selection, async (letters) => {
      purged += letters.length
      return letters
    })
    return { purged, remaining }
  }

  /** Returns how many dead letters there are afterwards. */
  #walk(queue: string, selection: DeadLetterSelection, visit: Visit): Promise<number> {
    return this.#queues.run(queue, async () => {
      const client = this.#options.client()
      try {
        return await walk(client, queue, selection, visit)
      } catch (error) {
        if (error instanceof PublishError) throw error
        const cause = faultError(faultOf(error))
        throw new EngineUnavailableError(`RabbitMQ did not do it: ${cause.message}`, { cause })
      }
    })
  }
}

async function walk(
  client: AMQPClient,
  queue: string,
  selection: DeadLetterSelection,
  visit: Visit,
): Promise<number> {
  const taken = await TakenMessages.open(client, deadQueueOf(queue), MAX_TAKEN)
  try {
    const isSelected = matcherOf(selection)
    let left = selection.limit ?? Number.POSITIVE_INFINITY
    for await (const page of taken.pages(PAGE_SIZE)) {
      if (left <= 0) continue
      const letters = page
        .map((message) => toLetter(message, queue))
        .filter(({ body, failure }) => isSelected({ body, reason: failure.reason }))
        .slice(0, left)
      left -= letters.length
      const done = await visit(letters)
      await taken.remove(done.map(({ message }) => message))
    }
  } catch (error) {
    await taken.giveBack().catch(() => {
      // Then the channel is gone, and the broker has given them back by itself. What went wrong first is told.
    })
    throw error
  }
  return taken.giveBack()
}

function toLetter(message: AMQPMessage, queue: string): Letter {
  return { message, body: bodyOf(message), failure: failureOf(message, queue) ?? UNKNOWN_FAILURE }
}
