import type { RunningService } from "./running-service.ts"

/** Longer than any answer may take: the confirm's timeout, and some for a busy machine. */
const REQUEST_BOUND_MS = 20_000

/** What a refused client waits before it goes on, in milliseconds. */
const PAUSE_MS = 20

/** Clients that publish one event after the other to one service, until they are told to stop. */
export class PublishLoad {
  /** The ids that were answered 201. */
  readonly answered = new Set<string>()
  /** How often each other status was answered. */
  readonly refused = new Map<number, number>()
  readonly #service: RunningService
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(service: RunningService, connections: number) {
    this.#service = service
    this.#clients = Array.from({ length: connections }, () => this.#publish())
  }

  /** Waits for the answers of what was sent; fails where a request hung, or got no answer. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }

  async #publish(): Promise<void> {
    while (!this.#isStopping) {
      const response = await fetch(`${this.#service.url}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ type: "custom", name: "counted", payload: {} }),
        signal: AbortSignal.timeout(REQUEST_BOUND_MS),
      })
      const answer = (await response.json()) as { readonly id: string }
      if (response.status === 201) this.answered.add(answer.id)
      else {
        this.refused.set(response.status, (this.refused.get(response.status) ?? 0) + 1)
        await Bun.sleep(PAUSE_MS)
      }
    }
  }
}
