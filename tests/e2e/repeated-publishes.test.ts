import { expect, test } from "bun:test"
import { connect, createServer, type Server } from "node:net"
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

/** A proxy that forwards the first request, and then drops its connection in place of the answer. */
class LosingProxy implements AsyncDisposable {
  readonly #server: Server
  connections = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(port: number): Promise<LosingProxy> {
    const server = createServer((client) => {
      const isFirst = proxy.connections++ === 0
      const target = connect({ host: "127.0.0.1", port })
      for (const each of [client, target]) each.on("error", () => {})
      client.pipe(target)
      if (isFirst) target.on("data", () => client.resetAndDestroy())
      else target.pipe(client)
      client.on("close", () => target.destroy())
    })
    const proxy = new LosingProxy(server)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

test.each([
  ["an event from flags", ["--type", "custom", "--name", "counted"], 1],
  ["an event with an id", ["--type", "custom", "--name", "counted", "--id", "c-1"], 1],
  ["a batch", ["events.json"], 3],
])(
  "a publish of %s whose connection is lost before the answer is sent again, and stored once",
  async (_, args, count) => {
    await using folder = new ServiceFolder()
    const event = { type: "custom", name: "counted", payload: {} }
    folder.write("events.json", JSON.stringify([event, event, event]))
    const service = await folder.start()
    await using proxy = await LosingProxy.start(Number(new URL(service.url).port))
    const publish = folder.spawn(["publish", ...args, "--url", proxy.url])
    expect(await publish.exited()).toBe(0)
    expect(publish.stderr).toContain("the connection to the service was lost; sending the request again")
    expect(publish.stdout).toMatch(
      count === 1 ? /^stored \S+ on events\.custom\.counted\n$/ : /^3 stored, 0 failed\n$/,
    )
    expect(proxy.connections).toBe(2)
    const { body } = await service.get("/api/v1/queues/custom_events")
    expect(body).toMatchObject({ waiting: count })
  },
)

test("a publish is sent without a key to a service that recognizes no repetitions, and an own key is refused", async () => {
  await using folder = new ServiceFolder()
  folder.write("events.ndjson", '{"type":"custom","name":"counted","payload":{}}\n')
  const service = await folder.start({ DEDUPLICATION_WINDOW: "0" })
  const publish = async (...args: readonly string[]) => {
    const command = folder.spawn(["publish", ...args, "--url", service.url])
    return { code: await command.exited(), stdout: command.stdout, stderr: command.stderr }
  }
  expect(await publish("--type", "custom", "--name", "counted")).toMatchObject({ code: 0 })
  expect(await publish("events.ndjson")).toMatchObject({ code: 0, stdout: "1 stored, 0 failed\n" })
  const refused = await publish("--type", "custom", "--name", "counted", "--idempotency-key", "mine")
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain("DEDUPLICATION_WINDOW is 0")
})

test("a publish that is given the key of an earlier one stores nothing again", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const args = ["publish", "--type", "custom", "--name", "counted", "--idempotency-key", 'say "once"']
  const outputs = []
  for (let n = 0; n < 2; n++) {
    const command = folder.spawn([...args, "--url", service.url])
    expect(await command.exited()).toBe(0)
    outputs.push(command.stdout)
  }
  expect(outputs[1]).toBe(outputs[0] ?? "")
  const { body } = await service.get("/api/v1/queues/custom_events")
  expect(body).toMatchObject({ waiting: 1 })
})
