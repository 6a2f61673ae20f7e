import type { EventType } from "../../src/event/event-type.ts"
import type { RunningService } from "./running-service.ts"

/** Longer than any response may take: the confirm timeout, and a margin for a busy machine. */
const REQUEST_BOUND_MS = 20_000

/** Wait of a client after a refusal, in milliseconds. */
const PAUSE_MS = 20

export interface PublishLoadOptions {
  /** Type of the events. Default: `custom`. */
  readonly type?: EventType
  /** Approximate size of each event, in bytes. Default: small. */
  readonly payloadBytes?: number
  /** True if clients end silently when the service is gone. Default: false; it is a failure. */
  readonly ignoreLostConnections?: boolean
}

/** Clients that publish sequentially to one service until they are stopped. */
export class PublishLoad {
  /** The ids that were answered 201. */
  readonly answered = new Set<string>()
  /** Number of responses by any other status. */
  readonly refused = new Map<number, number>()
  readonly #service: RunningService
  readonly #clients: Promise<void>[]
  #isStopping = false

  readonly #draft: object
  readonly #isEndFine: boolean

  constructor(service: RunningService, connections: number, options: PublishLoadOptions = {}) {
    this.#service = service
    const payload = { text: "x".repeat(options.payloadBytes ?? 0) }
    this.#draft = { type: options.type ?? "custom", name: "counted", payload }
    this.#isEndFine = options.ignoreLostConnections ?? false
    this.#clients = Array.from({ length: connections }, () => this.#publish())
  }

  /** Waits for outstanding responses. Fails if a request hung or got no response. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }

  async #publish(): Promise<void> {
    while (!this.#isStopping) {
      const answer = await this.#publishOne()
      if (answer === null) return
      if (answer.status === 201) this.answered.add(answer.id)
      else {
        this.refused.set(answer.status, (this.refused.get(answer.status) ?? 0) + 1)
        await Bun.sleep(PAUSE_MS)
      }
    }
  }

  /** Returns null if the service is gone and that is allowed. */
  async #publishOne(): Promise<{ readonly status: number; readonly id: string } | null> {
    try {
      const response = await fetch(`${this.#service.url}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(this.#draft),
        signal: AbortSignal.timeout(REQUEST_BOUND_MS),
      })
      const { id } = (await response.json()) as { readonly id: string }
      return { status: response.status, id }
    } catch (error) {
      if (this.#isEndFine && !this.#service.isAlive) return null
      if (this.#isEndFine && error instanceof Error && error.name !== "TimeoutError") return null
      throw error
    }
  }
}
