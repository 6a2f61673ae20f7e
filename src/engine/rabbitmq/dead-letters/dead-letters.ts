import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import type {
  DeadLetterPage,
  DeadLetterSelection,
  EditedEvent,
  Purged,
  Redriven,
  RedriveOptions,
} from "../../dead-letter.ts"
import { EngineUnavailableError, InvalidCursorError, PublishError } from "../../errors.ts"
import { StallWatch } from "../queues/stall-watch.ts"
import { deadQueueOf } from "../topology/topology.ts"
import { faultError, faultOf } from "../wire/broker-fault.ts"
import { LetterCursor } from "./letter-cursor.ts"
import type { LetterFacts } from "./letter-facts.ts"
import { LetterPicker, toLetter } from "./letter-picker.ts"
import { OneAtATime } from "./one-at-a-time.ts"
import { TakenMessages } from "./taken-messages.ts"

export interface DeadLettersOptions {
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  /** Stores a dead letter, or an edited event instead, on its queue again. Rejects with a `PublishError`. */
  readonly store: (message: AMQPMessage, queue: string, edited: EditedEvent | null) => Promise<void>
  /** Records what becomes of dead letters; null without a history. */
  readonly facts: LetterFacts | null
  /** Longest time without progress of RabbitMQ, in milliseconds. Default: 20 seconds. */
  readonly stallTimeoutMs?: number
}

/** Above the timeout of a confirm, whose error says more. */
const STALL_TIMEOUT_MS = 20_000

/** Dead letters that are stored again at a time. */
const PAGE_SIZE = 200

/** Most bytes of dead letters in one page. */
const LOOK_BYTES = 8_388_608

/**
 * Most bytes of dead letters waiting to be stored again. The rest of the selection is taken again afterwards.
 */
const REDRIVE_BYTES = 16_777_216

/** Processes a page of selected dead letters. Returns those that leave the dead letters. */
type Visit = (messages: readonly AMQPMessage[]) => Promise<readonly AMQPMessage[]>

/** Result of a walk. */
interface Walked {
  /** Dead letters at the start of the walk, and at its end. */
  readonly expected: number
  readonly remaining: number
  /** Something else consumes the dead letters, and may have some of them. */
  readonly isShared: boolean
}

/**
 * The dead letters of every queue. AMQP can only take messages and return them, in an order that
 * `TakenMessages` keeps. The queue has no delivery limit, so dead letters can be read any number of times.
 * Messages taken by one call are invisible to the next, so calls for the same queue wait for each other,
 * within this process.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #queues = new OneAtATime()

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  /** @throws {InvalidCursorError} */
  async look(queue: string, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage> {
    const cursor = after === undefined ? null : LetterCursor.parse(after)
    const picker = new LetterPicker({ queue, selection, cursor, maxBytes: LOOK_BYTES })
    const found: AMQPMessage[] = []
    const { expected, isShared } = await this.#walk(queue, picker, async (messages) => {
      found.push(...messages)
      return []
    })
    if (!picker.isBehindCursor) {
      throw new InvalidCursorError("points to a dead letter that no longer exists: start without a cursor")
    }
    this.#options.facts?.seen(found, queue)
    const { passed, last } = picker
    const hasMore = picker.isDone && passed < expected && last !== null
    return {
      letters: found.map((message) => toLetter(message, queue)),
      cursor: hasMore ? LetterCursor.at(passed, last).toString() : null,
      isBeingRead: isShared,
    }
  }

  /**
   * Stores each dead letter on its queue before acking it here, so that none is lost if the process is
   * killed.
   */
  async redrive(
    queue: string,
    selection: DeadLetterSelection,
    { dryRun = false, edited }: RedriveOptions,
  ): Promise<Redriven> {
    if (dryRun) {
      const { count, remaining } = await this.#count(queue, selection)
      return { redriven: count, remaining: remaining - count }
    }
    let redriven = 0
    // Events that fail again meanwhile come behind the dead letters of the start.
    let left = Number.POSITIVE_INFINITY
    while (true) {
      const limit = (selection.limit ?? Number.POSITIVE_INFINITY) - redriven
      const round = await this.#redriveSome(queue, { ...selection, limit }, left, edited ?? null)
      redriven += round.moved
      left = Math.min(left, round.expected) - round.moved
      if (!round.hasMore || round.moved === 0) return { redriven, remaining: round.remaining }
    }
  }

  async purge(queue: string, selection: DeadLetterSelection): Promise<Purged> {
    let purged = 0
    const { remaining } = await this.#walk(
      queue,
      new LetterPicker({ queue, selection }),
      async (messages) => {
        await this.#options.facts?.purged(messages, queue)
        purged += messages.length
        return messages
      },
    )
    return { purged, remaining }
  }

  async #count(queue: string, selection: DeadLetterSelection) {
    let count = 0
    const { remaining } = await this.#walk(
      queue,
      new LetterPicker({ queue, selection }),
      async ({ length }) => {
        count += length
        return []
      },
    )
    return { count, remaining }
  }

  /** Redrives as many as fit in memory at a time, with unselected ones in between. */
  async #redriveSome(
    queue: string,
    selection: DeadLetterSelection,
    maxMessages: number,
    edited: EditedEvent | null,
  ) {
    const picker = new LetterPicker({ queue, selection, maxBytes: REDRIVE_BYTES })
    let moved = 0
    let fault: unknown
    const walked = await this.#walk(
      queue,
      picker,
      async (messages) => {
        if (fault !== undefined) return []
        // Before they are stored, because the run that follows must not be earlier.
        const at = Date.now()
        const storing = messages.map((each) => this.#options.store(each, queue, edited))
        const stored = await Promise.allSettled(storing)
        fault = stored.find((each) => each.status === "rejected")?.reason
        if (fault !== undefined) picker.stop()
        const done = messages.filter((_, index) => stored[index]?.status === "fulfilled")
        moved += done.length
        picker.release(messages)
        await this.#options.facts?.redriven(done, queue, at, edited)
        return done
      },
      maxMessages,
    )
    const isQueueFull = fault instanceof PublishError && fault.code === "queue-full"
    if (fault !== undefined && !isQueueFull) throw fault
    return { ...walked, moved, hasMore: picker.isFull && fault === undefined }
  }

  #walk(queue: string, picker: LetterPicker, visit: Visit, maxMessages?: number): Promise<Walked> {
    return this.#queues.run(queue, async () => {
      const client = this.#options.client()
      using watch = new StallWatch(this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS)
      try {
        return await Promise.race([walk(client, queue, picker, visit, watch, maxMessages), watch.stalled])
      } catch (error) {
        if (error instanceof PublishError || error instanceof EngineUnavailableError) throw error
        const cause = faultError(faultOf(error))
        throw new EngineUnavailableError(`RabbitMQ did not complete the request: ${cause.message}`, { cause })
      }
    })
  }
}

async function walk(
  client: AMQPClient,
  queue: string,
  picker: LetterPicker,
  visit: Visit,
  watch: StallWatch,
  maxMessages = Number.POSITIVE_INFINITY,
): Promise<Walked> {
  const taken = await TakenMessages.open(client, deadQueueOf(queue), picker, watch, maxMessages)
  watch.stalled.catch(() => taken.abandon())
  try {
    for await (const page of taken.pages(PAGE_SIZE)) {
      const done = await visit(page)
      watch.feed()
      await taken.remove(done)
    }
  } catch (error) {
    await taken.giveBack().catch(() => {
      // The channel is gone then, and the broker has requeued the messages by itself. The first error is
      // thrown.
    })
    throw error
  }
  const remaining = await taken.giveBack()
  return { expected: taken.expected, remaining, isShared: taken.hasCompany }
}
