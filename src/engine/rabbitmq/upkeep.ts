import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { EngineStatus, QueueDeclaration } from "../engine.ts"
import type { PublishError } from "../errors.ts"
import type { Report } from "../report.ts"
import { ExchangeChannels } from "./exchange-channels.ts"
import { QueueLooks } from "./queue-looks.ts"
import { Repairs } from "./repairs.ts"
import { Republisher } from "./republisher.ts"
import type { Topology } from "./topology.ts"
import { Troubles } from "./troubles.ts"

export interface UpkeepOptions {
  readonly topology: Topology
  readonly confirmTimeoutMs: number
  /** How long a look at the queues serves all who ask, in milliseconds. Default 1,000. */
  readonly lookLastsMs?: number
  readonly report: Report
  readonly queues: () => Iterable<QueueDeclaration>
  /** The queues that others have declared. */
  readonly undeclared: () => readonly QueueDeclaration[]
  /** Called if one that others have declared is missing. */
  readonly onGone: (queue: string) => Promise<void>
  /** Declares a queue on the broker, as it was declared first. */
  readonly declare: (queue: string) => Promise<void>
  /** @throws {PublishError} while nothing can be published. */
  readonly publishClient: () => AMQPClient
  /** @throws {EngineUnavailableError} while there is no connection. */
  readonly client: () => AMQPClient
  readonly isClosed: () => boolean
}

const LOOK_LASTS_MS = 1_000

/** What keeps the engine going when something of its topology vanishes from the broker, or can't be used. */
export class Upkeep {
  readonly repairs: Repairs
  readonly republisher: Republisher
  readonly looks: QueueLooks
  readonly #troubles: Troubles
  readonly #channels: ExchangeChannels

  constructor(options: UpkeepOptions) {
    const { topology, queues, publishClient, isClosed } = options
    const troubles = new Troubles(options.report)
    const repairs = new Repairs({ declare: options.declare, queues, topology, troubles })
    const declare = (queue: string): Promise<void> => repairs.declareMissing(queue)
    this.#troubles = troubles
    this.repairs = repairs
    this.looks = new QueueLooks({ ...options, declare, lastsMs: options.lookLastsMs ?? LOOK_LASTS_MS })
    this.#channels = new ExchangeChannels(options.confirmTimeoutMs)
    this.republisher = new Republisher({
      topology,
      send: (client, outgoing) => this.#channels.publish(client, outgoing),
      troubles,
      client: publishClient,
      declare,
      isClosed,
    })
  }

  /** The state of an engine that is connected, with what can't be used of its topology. */
  get readiness(): EngineStatus {
    const { warning } = this.#troubles
    return { state: "ready", ...(warning !== undefined && { warning }) }
  }

  /** Retries and dead letters that wait for their confirm. */
  get inFlight(): number {
    return this.#channels.inFlight
  }

  /** Rejects the retries and dead letters that wait for their confirm; they are stored again. */
  abandon(error: PublishError): void {
    this.#channels.abandon(error)
  }
}
