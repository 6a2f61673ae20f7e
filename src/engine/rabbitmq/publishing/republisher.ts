import type { AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { FailureRecord } from "../../../event/failure.ts"
import { PublishError } from "../../errors.ts"
import type { Report } from "../../report.ts"
import type { Destination, Republished } from "../consuming/queue-delivery.ts"
import { tierOf } from "../topology/delay-tier.ts"
import { DEAD_LETTERS } from "../topology/queue-arguments.ts"
import { isMissing } from "../topology/repairs.ts"
import { deadQueueOf, type Topology, tierName } from "../topology/topology.ts"
import type { Troubles } from "../topology/troubles.ts"
import { refusalText, replyIn } from "../wire/broker-fault.ts"
import { CopyLadder, type CopyStep } from "../wire/copy-ladder.ts"
import { deadLetterOf, retryOf } from "../wire/encode.ts"
import type { Outgoing } from "./pending-publish.ts"
import type { PublishChannel } from "./publish-channel.ts"
import type { Publishers } from "./publishers.ts"
import { isRefusedForGood, refusedRetry } from "./refused-retry.ts"

export interface RepublisherOptions {
  readonly topology: Topology
  readonly troubles: Troubles
  /** @throws {PublishError} while nothing can be published. */
  readonly publishers: () => Publishers
  /** Declares a queue again, with its exchanges and its dead-letter queue. */
  readonly declare: (queue: string) => Promise<void>
  /** Like `declare`, for a queue that is not known to be missing. */
  readonly ensure: (queue: string) => Promise<void>
  readonly isClosed: () => boolean
  readonly report: Report
}

/** Backoff before a retry or dead letter that RabbitMQ did not accept is stored again. */
const REPUBLISH_BACKOFF: Backoff = { initialMs: 250, factor: 2, maxMs: 15_000 }

const HELD = "its deliveries are held and stored later"

/** Interval between checks for a new connection, in milliseconds. A check sends nothing. */
const AWAY_DELAY_MS = 500

const NACKED =
  "RabbitMQ refused it with basic.nack, without a reason: a policy limits the queue, or the queue does not work"

const STORED_SMALLER = "RabbitMQ refused an event; stored without its properties and headers"
const LEFT_TO_BROKER = "RabbitMQ refused every copy of an event and dead-letters the original itself"

/** Stores deliveries again: in a delay tier for the next attempt on their queue, or as dead letters. */
export class Republisher {
  readonly #options: RepublisherOptions
  #held = 0

  constructor(options: RepublisherOptions) {
    this.#options = options
  }

  /** Deliveries that are held until RabbitMQ accepts a copy. */
  get held(): number {
    return this.#held
  }

  /**
   * Resolves with `stored` when a copy is stored: the full copy, or a minimal one if RabbitMQ refuses it. A
   * retry that RabbitMQ refuses permanently is stored as a dead letter. Resolves with `refused` if RabbitMQ
   * accepts no copy and the dead-letter queue for the original exists. Retries with backoff while the
   * delivery can still be settled, then rejects.
   */
  async republish(message: AMQPMessage, queue: string, to: Destination): Promise<Republished> {
    const { topology, troubles, isClosed } = this.#options
    const delays = new RetryDelays(REPUBLISH_BACKOFF)
    const ladder = new CopyLadder()
    let destination = to
    let isHeld = false
    try {
      while (true) {
        const place = placeOf(destination, queue)
        let publishers: Publishers | null = null
        try {
          publishers = this.#options.publishers()
          const republished = await this.#store(publishers, message, queue, destination, ladder.step)
          troubles.ended(place)
          return republished
        } catch (error) {
          // After its channel is lost, the broker delivers the event again.
          if (message.channel.closed || isClosed()) throw error
          if (ladder.goOn(error)) {
            this.#report(ladder.step, message, queue, destination.failure, error)
            if (ladder.step === "original") destination = withoutRetry(destination, error)
            continue
          }
          if (!isHeld) this.#held++
          isHeld = true
          const stall = publishers === null ? null : stallOf(publishers)
          if (stall !== null) {
            troubles.began(place, stall, HELD)
            await Bun.sleep(AWAY_DELAY_MS)
          } else if (publishers === null || publishers.client.closed || isAway(error)) {
            await Bun.sleep(AWAY_DELAY_MS)
          } else if (destination.kind === "retry" && isRefusedForGood(error, topology.mode)) {
            troubles.began(place, refusalText(error), "its retries become dead letters")
            destination = withoutRetry(destination, error)
          } else {
            troubles.began(place, isNacked(error) ? NACKED : refusalText(error), HELD)
            if (isUnexplained(error)) publishers.copies.renew()
            await Bun.sleep(delays.next())
          }
        }
      }
    } finally {
      if (isHeld) this.#held--
    }
  }

  async #store(
    publishers: Publishers,
    message: AMQPMessage,
    queue: string,
    to: Destination,
    step: CopyStep,
  ): Promise<Republished> {
    const { topology, troubles, declare, ensure } = this.#options
    const { client, copies } = publishers
    const declareQueue = (): Promise<void> => declare(queue)
    if (step === "original") {
      // Without its dead-letter queue, a rejected message would be lost.
      await ensure(queue)
      return "refused"
    }
    const detail = step === "minimal" ? "minimal" : "full"
    if (to.kind === "dead-letter") {
      const copy = deadLetterOf(message, to.failure, detail)
      return sendTo(copies, { exchange: DEAD_LETTERS, routingKey: queue, ...copy }, declareQueue)
    }
    const copy = retryOf(message, queue, to.failure, detail)
    const tier = tierOf(to.delayMs)
    if (tier === 0) {
      return sendTo(copies, { exchange: "", routingKey: queue, ...copy }, declareQueue)
    }
    const name = tierName(queue, tier)
    const declareTier = async (again: boolean): Promise<void> => {
      const hadVanished = await topology.declareTier(client, queue, tier, { again })
      if (hadVanished && topology.mode === "declare") troubles.mended(name)
    }
    await declareTier(false)
    // By its name: on a separate exchange, another queue bound there would hide that the tier is missing.
    return sendTo(copies, { exchange: "", routingKey: name, ...copy }, () => declareTier(true))
  }

  /** Logs what is known of an event that is not stored in full. */
  #report(step: CopyStep, message: AMQPMessage, queue: string, failure: FailureRecord, error: unknown): void {
    if (step !== "minimal" && step !== "original") return
    const { report } = this.#options
    const { messageId, appId } = message.properties
    const bytes = message.body?.length ?? 0
    const { reason: failed, attempts } = failure
    const known = { queue, id: messageId, app_id: appId, bytes, failed, attempts, reason: refusalText(error) }
    if (step === "minimal") report("warn", STORED_SMALLER, known)
    else report("error", LEFT_TO_BROKER, known)
  }
}

/** Publishes a copy. If its destination is missing, declares that and publishes the copy once more. */
async function sendTo(
  copies: PublishChannel,
  outgoing: Outgoing,
  declareAgain: () => Promise<void>,
): Promise<"stored"> {
  try {
    await copies.publish(outgoing)
  } catch (error) {
    if (!isMissing(error)) throw error
    await declareAgain()
    await copies.publish(outgoing)
  }
  return "stored"
}

/** The destination of an event whose retry can't be stored. */
const withoutRetry = (to: Destination, refusal: unknown): Destination =>
  to.kind === "retry" ? { kind: "dead-letter", failure: refusedRetry(to.failure, refusal) } : to

/** Names the queue or tier as RabbitMQ does. */
function placeOf(to: Destination, queue: string): string {
  if (to.kind === "dead-letter") return deadQueueOf(queue)
  const tier = tierOf(to.delayMs)
  return tier === 0 ? queue : tierName(queue, tier)
}

/** Returns why no copy can be stored on an open connection: RabbitMQ confirms nothing. Null if it does. */
function stallOf({ client, copies: { status } }: Publishers): string | null {
  return status.state === "unavailable" && !client.closed ? status.reason : null
}

/** RabbitMQ is unreachable or blocks publishers. The engine's state shows that, and it ends by itself. */
const isAway = (error: unknown): boolean =>
  error instanceof PublishError && error.code === "engine-unavailable" && replyIn(error) === null

/** Tiers and dead-letter queues have no limit, so they never refuse by themselves. */
const isNacked = (error: unknown): boolean => error instanceof PublishError && error.code === "queue-full"

/** A nack or a lost confirm. */
const isUnexplained = (error: unknown): boolean =>
  isNacked(error) || (error instanceof PublishError && error.code === "confirm-timeout")
