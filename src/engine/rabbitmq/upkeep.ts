import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { EngineStatus, QueueDeclaration } from "../engine.ts"
import type { Report } from "../report.ts"
import { Publishers, type PublishersOptions } from "./publishing/publishers.ts"
import { Republisher } from "./publishing/republisher.ts"
import { QueueLooks, type QueueLooksOptions } from "./queues/queue-looks.ts"
import { Repairs } from "./topology/repairs.ts"
import type { Topology } from "./topology/topology.ts"
import { Troubles } from "./topology/troubles.ts"
import { UnusableQueues } from "./topology/unusable-queues.ts"

export interface UpkeepOptions extends Pick<QueueLooksOptions, "elsewhere" | "unsettledOf"> {
  /** How long a reading of the queues is reused, in milliseconds. Default: 1,000. */
  readonly lookLastsMs?: number
  readonly topology: Topology
  readonly confirmTimeoutMs: number
  readonly report: Report
  readonly queues: () => Iterable<QueueDeclaration>
  /** Declares a queue on the broker, as it was declared first. */
  readonly declare: (queue: string) => Promise<void>
  /** @throws {PublishError} while nothing can be published. */
  readonly publishers: () => Publishers
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  readonly isClosed: () => boolean
}

const LOOK_LASTS_MS = 1_000

/** Keeps the engine working when parts of its topology vanish from the broker or can't be used. */
export class Upkeep {
  readonly repairs: Repairs
  readonly republisher: Republisher
  readonly looks: QueueLooks
  readonly troubles: Troubles
  readonly unusable: UnusableQueues
  readonly #options: UpkeepOptions

  constructor(options: UpkeepOptions) {
    const { topology, queues, publishers, isClosed } = options
    const troubles = new Troubles(options.report)
    const repairs = new Repairs({ declare: options.declare, queues, topology, troubles })
    const declare = (queue: string): Promise<void> => repairs.declareMissing(queue)
    this.#options = options
    this.troubles = troubles
    this.unusable = new UnusableQueues(troubles)
    this.repairs = repairs
    this.looks = new QueueLooks({
      ...options,
      declare,
      retryRefused: () => repairs.retry(),
      lastsMs: options.lookLastsMs ?? LOOK_LASTS_MS,
    })
    this.republisher = new Republisher({
      topology,
      troubles,
      publishers,
      declare,
      ensure: (queue) => repairs.declare(queue),
      isClosed,
      report: options.report,
    })
  }

  /** The status of a connected engine, with a warning about unusable parts of its topology. */
  get readiness(): EngineStatus {
    const { warning } = this.troubles
    return { state: "ready", ...(warning !== undefined && { warning }) }
  }

  /** Opens the publishing channels of a new connection. */
  openPublishers(
    client: AMQPClient,
    on: Pick<PublishersOptions, "onLost" | "onStatusChange" | "isExplained" | "onSlow">,
  ): Promise<Publishers> {
    return Publishers.open(client, {
      ...this.#options,
      ...on,
      troubles: this.troubles,
      restore: () => this.#restore(client),
    })
  }

  /** The events' exchange is missing, and with it the bindings of all queues. */
  async #restore(client: AMQPClient): Promise<void> {
    const { topology } = this.#options
    await topology.declare(client, [])
    this.troubles.mended(`the exchange ${topology.exchange}`)
    await this.repairs.declareAllBut([])
  }
}
