import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

/** Times that the service is killed while requests are in flight. */
const KILLS = 12

/** Longest time from the start of the requests to the kill, in milliseconds. */
const MAX_UNTIL_KILL_MS = 60

const CLIENTS = 16

/** A service that is killed at random moments and started again. */
class KilledService implements AsyncDisposable {
  readonly #folder = new ServiceFolder()
  #service: RunningService | undefined
  kills = 0

  get url(): string {
    return this.#service?.url ?? ""
  }

  async start(): Promise<void> {
    this.#service = await this.#folder.start()
  }

  async killAndStart(): Promise<void> {
    await Bun.sleep(Math.random() * MAX_UNTIL_KILL_MS)
    await this.#service?.kill()
    this.kills++
    await this.start()
  }

  /** Sends the same request until it is answered 201. Returns the number of attempts, and the answer. */
  async publish(
    path: string,
    key: string,
    body: string,
  ): Promise<{ readonly attempts: number; readonly answer: unknown }> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": `"${key}"` }
    for (let attempts = 1; ; attempts++) {
      try {
        const response = await fetch(this.url + path, { method: "POST", headers, body })
        const answer: unknown = await response.json()
        if (response.status === 201) return { attempts, answer }
        if (response.status < 500)
          throw new TypeError(`answered ${response.status}: ${JSON.stringify(answer)}`)
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith("answered")) throw error
      }
      await Bun.sleep(5)
    }
  }

  async waiting(): Promise<number> {
    const { body } = (await this.#service?.get("/api/v1/queues/custom_events")) ?? {}
    return (body as { readonly waiting: number }).waiting
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]()
  }
}

test(
  "a request that is repeated until it is answered is stored once, although the service is killed meanwhile",
  async () => {
    await using service = new KilledService()
    await service.start()
    // The description of the answers is read with the first one.
    expect(await service.waiting()).toBe(0)
    let requests = 0
    let repeated = 0
    const client = async (): Promise<void> => {
      while (service.kills < KILLS) {
        const n = requests++
        const draft = { type: "custom", name: "counted", payload: { n } }
        const { attempts } = await service.publish("/api/v1/events", `request ${n}`, JSON.stringify(draft))
        if (attempts > 1) repeated++
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, client))
    while (service.kills < KILLS) await service.killAndStart()
    await clients
    expect(repeated).toBeGreaterThanOrEqual(KILLS)
    expect(await service.waiting()).toBe(requests)
  },
  TIMEOUT_MS,
)

test(
  "each event of a batch that is repeated until it is answered is stored once, although the service is killed meanwhile",
  async () => {
    await using service = new KilledService()
    await service.start()
    expect(await service.waiting()).toBe(0)
    const events = Array.from({ length: 1_000 }, (_, n) => ({
      type: "custom",
      name: "counted",
      payload: { n, text: "x".repeat(3_000) },
    }))
    const body = JSON.stringify({ events })
    let batches = 0
    let cutShort = 0
    const client = async (): Promise<void> => {
      while (service.kills < KILLS) {
        const { attempts, answer } = await service.publish("/api/v1/events/batch", `batch ${batches++}`, body)
        expect(answer).toMatchObject({ count: events.length, failed: 0 })
        expect(new Set((answer as { events: { id: string }[] }).events.map(({ id }) => id)).size).toBe(
          events.length,
        )
        if (attempts > 1) cutShort++
      }
    }
    const running = client()
    while (service.kills < KILLS) await service.killAndStart()
    await running
    expect(cutShort).toBeGreaterThan(0)
    await waitUntil(async () => (await service.waiting()) === batches * events.length, "each event once")
  },
  TIMEOUT_MS,
)
