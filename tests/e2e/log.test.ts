import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "../support/free-ports.ts"
import { NamedPipe } from "../support/named-pipe.ts"
import { FROM_BINARY, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Lines of 1 kB that a handler writes per event: fewer than the limit on lines at once. */
const LINES_AT_ONCE = 500

const TALKATIVE = (
  folder: ServiceFolder,
): string => `export default { queue: "custom_events", timeout: 5000, on: {
  async talks(event, ctx) {
    for (let n = 0; n < ${LINES_AT_ONCE}; n++) console.log("x".repeat(1000))
    process.stdout.write("through process.stdout\\n")
    console.error("through console.error")
    ctx.log.info("through ctx.log")
    ${folder.journal("event.id")}
  },
} }`

/** The service, with a standard output that the test controls. */
class ServiceWithOutput implements AsyncDisposable {
  readonly url: string
  readonly #process: Bun.Subprocess<"ignore", number | "ignore", "inherit">

  constructor(
    folder: ServiceFolder,
    port: number,
    stdout: number | null,
    command: readonly string[] = FROM_BINARY,
  ) {
    this.url = `http://127.0.0.1:${port}`
    const env = {
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      HOST: "127.0.0.1",
      WORKER_POOL_SIZE: "1",
    }
    this.#process = Bun.spawn([...command], {
      cwd: folder.path,
      env,
      stdin: "ignore",
      stdout: stdout ?? "ignore",
      stderr: "inherit",
    })
  }

  async ready(): Promise<void> {
    const isReady = async () => (await fetch(`${this.url}/health/ready`).catch(() => null))?.ok === true
    await waitUntil(isReady, "the service to be ready")
  }

  async publish(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const response = await fetch(`${this.url}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ type: "custom", name: "talks", payload: {} }),
      })
      expect(response.status).toBe(201)
    }
  }

  async droppedLines(): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const count = /^event_broker_log_lines_dropped_total (\d+)/m.exec(text)?.[1]
    if (count === undefined) throw new Error("there is no metric of dropped lines")
    return Number(count)
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number> {
    this.#process.kill("SIGTERM")
    await waitUntil(() => this.#process.exitCode !== null, "the process to end")
    return this.#process.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL")
    await this.#process.exited
  }
}

/** Publishes events whose handler writes many lines, until this many are dropped. */
async function publishUntilDropped(
  folder: ServiceFolder,
  service: ServiceWithOutput,
  dropped: number,
): Promise<void> {
  let published = 0
  do {
    await service.publish(1)
    published++
    await waitUntil(() => folder.journalLines().length === published, "the event to be handled")
  } while ((await service.droppedLines()) < dropped)
}

/** Also asks for the health of the service, and stops it. */
async function expectToServe(
  folder: ServiceFolder,
  service: ServiceWithOutput,
  dropped: number,
): Promise<void> {
  await service.ready()
  await publishUntilDropped(folder, service, dropped)
  expect((await fetch(`${service.url}/health/live`)).status).toBe(200)
  expect(await service.stop()).toBe(0)
}

function talkativeFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write("handlers/talkative.ts", TALKATIVE(folder))
  return folder
}

test("while nobody reads the log from a pipe, events are handled, dropped lines are counted, and a signal stops the service", async () => {
  await using folder = talkativeFolder()
  using pipe = new NamedPipe(folder.path)
  const [port = 0] = await freePorts(1)
  await using service = new ServiceWithOutput(folder, port, pipe.writer)
  await expectToServe(folder, service, 1)
})

test("once the pipe is read again, the log says how many lines are missing and continues", async () => {
  await using folder = talkativeFolder()
  using pipe = new NamedPipe(folder.path)
  const [port = 0] = await freePorts(1)
  await using service = new ServiceWithOutput(folder, port, pipe.writer)
  await service.ready()
  await publishUntilDropped(folder, service, 1)
  const missing = () => {
    const lines = pipe.readLines().map((line) => JSON.parse(line))
    return lines.reduce(
      (sum, { msg, lines: count }) => sum + (/^log lines .*dropped/.test(msg) ? count : 0),
      0,
    )
  }
  await waitUntil(
    async () => missing() > 0 && missing() === (await service.droppedLines()),
    "the gap to be told",
  )
  const stopped = service.stop()
  await waitUntil(() => pipe.readLines().some((line) => line.includes('"stopped"')), "the last line")
  expect(await stopped).toBe(0)
  expect(JSON.parse(pipe.readLines().at(-1) ?? "")).toMatchObject({ msg: "stopped" })
})

test("while nobody reads the log from a socket, events are handled, and a signal stops the service", async () => {
  await using folder = talkativeFolder()
  const [port = 0] = await freePorts(1)
  using reader = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => void socket.pause(), data: () => {} },
  })
  const command = ["bash", "-c", `exec "$0" > /dev/tcp/127.0.0.1/${reader.port}`, ...FROM_BINARY]
  await using service = new ServiceWithOutput(folder, port, null, command)
  await expectToServe(folder, service, 1)
})

test("a log pipe whose reader has gone does not end the service", async () => {
  await using folder = talkativeFolder()
  const [port = 0] = await freePorts(1)
  let service: ServiceWithOutput
  {
    using pipe = new NamedPipe(folder.path)
    service = new ServiceWithOutput(folder, port, pipe.writer)
  }
  await using _ = service
  await expectToServe(folder, service, 1)
})

test("the service runs without a standard output", async () => {
  await using folder = talkativeFolder()
  const [port = 0] = await freePorts(1)
  await using service = new ServiceWithOutput(folder, port, null, [
    "bash",
    "-c",
    'exec "$0" >&-',
    ...FROM_BINARY,
  ])
  await expectToServe(folder, service, 0)
})

test("a log in a file is complete, and is appended to the file", async () => {
  await using folder = talkativeFolder()
  const [port = 0] = await freePorts(1)
  folder.write("service.log", '{"msg":"from before"}\n')
  const command = ["bash", "-c", 'exec "$0" >> service.log', ...FROM_BINARY]
  await using service = new ServiceWithOutput(folder, port, null, command)
  await expectToServe(folder, service, 0)
  const lines = readFileSync(join(folder.path, "service.log"), "utf8").split("\n").slice(0, -1)
  const messages = lines.map((line) => JSON.parse(line).msg)
  expect(messages[0]).toBe("from before")
  expect(messages.at(-1)).toBe("stopped")
  expect(messages.filter((msg) => msg === "through process.stdout").length).toBeGreaterThan(0)
})
