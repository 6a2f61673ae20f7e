import { FATES } from "./handler.ts"

/** Longer than any response may take. */
const REQUEST_BOUND_MS = 20_000

/**
 * Wait of a client after a success and after a refusal, in milliseconds; each randomized from zero to twice
 * that.
 */
const PAUSE_MS = 40
const REFUSED_PAUSE_MS = 100

const PRIORITIES = ["low", "medium", "high", "critical"]

/**
 * Clients that publish sequentially, each event again with its id until it is answered 201: one client per
 * key, so that the events of a key have an order, and others without a key.
 */
export class FatedLoad {
  /** The ids that were answered 201. */
  readonly answered = new Set<string>()
  /** Number of refused publishes by status; "broken" for a broken connection. */
  readonly refused = new Map<string, number>()
  readonly #url: () => string
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(url: () => string, keys: number, others: number) {
    this.#url = url
    const keyOf = (client: number) => (client < keys ? `k${client}` : undefined)
    this.#clients = Array.from({ length: keys + others }, (_, client) => this.#publish(keyOf(client)))
  }

  /** Waits for outstanding responses. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#clients)
  }

  async #publish(key: string | undefined): Promise<void> {
    for (let n = 0; !this.#isStopping; n++) {
      const event = {
        id: Bun.randomUUIDv7(),
        type: "custom",
        name: "fated",
        payload: { n, fate: randomFate() },
        priority: PRIORITIES[Math.floor(Math.random() * PRIORITIES.length)],
        ...(key !== undefined && { ordering_key: key }),
      }
      while (!(await this.#isStored(event))) await Bun.sleep(2 * REFUSED_PAUSE_MS * Math.random())
      this.answered.add(event.id)
      await Bun.sleep(2 * PAUSE_MS * Math.random())
    }
  }

  async #isStored(event: object): Promise<boolean> {
    const status = await this.#post(event)
    if (status === "201") return true
    this.refused.set(status, (this.refused.get(status) ?? 0) + 1)
    return false
  }

  async #post(event: object): Promise<string> {
    try {
      const response = await fetch(`${this.#url()}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(REQUEST_BOUND_MS),
      })
      await response.arrayBuffer()
      return String(response.status)
    } catch (error) {
      // The service was killed. A request that hangs beyond the limit is counted separately.
      return error instanceof DOMException && error.name === "TimeoutError" ? "hung" : "broken"
    }
  }
}

function randomFate(): string {
  let at = Math.random() * 1_000
  for (const [fate, share] of Object.entries(FATES)) {
    at -= share
    if (at < 0) return fate
  }
  return "succeeds"
}
