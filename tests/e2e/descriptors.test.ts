import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { KeepAliveConnection } from "../support/keep-alive-connection.ts"
import { FROM_BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const LIMIT = 96
const CONNECTIONS = 120

/** Connections that stay until the end. */
const STAYING = 5

/** CPU time below which a process counts as idle, in ticks, and how long it is measured, in milliseconds. */
const IDLE_TICKS = 3
const WINDOW_MS = 300

const EXHAUSTED = /^no file descriptors left/

const timesTold = ({ log }: RunningService, what: RegExp): number =>
  log.filter(({ msg }) => what.test(msg)).length

/** User and system time of a process, in ticks. */
function cpuTicks({ pid }: RunningService): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return Number(fields[11]) + Number(fields[12])
}

async function isIdle(service: RunningService): Promise<boolean> {
  const before = cpuTicks(service)
  await Bun.sleep(WINDOW_MS)
  return cpuTicks(service) - before <= IDLE_TICKS
}

async function metric(connection: KeepAliveConnection, name: string): Promise<number> {
  const { text } = await connection.ask("GET", "/metrics")
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1])
}

test("without file descriptors the service accepts no connections, says so once, serves the open ones, and recovers", async () => {
  await using folder = new ServiceFolder(["bash", "-c", `ulimit -n ${LIMIT}; exec "$0"`, ...FROM_BINARY])
  folder.write(
    "handlers/crashing.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      crashes() { process.exit(1) },
      works(event) { ${folder.journal("event.id")} },
    } }`,
  )
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const port = Number(new URL(service.url).port)
  using first = new KeepAliveConnection(port)
  expect((await first.ask("GET", "/health/live")).status).toBe(200)
  const others = Array.from({ length: CONNECTIONS }, () => new KeepAliveConnection(port))
  await waitUntil(() => timesTold(service, EXHAUSTED) > 0, "the exhaustion to be told")
  expect(service.log.find(({ msg }) => EXHAUSTED.test(msg))).toMatchObject({ open_files_limit: LIMIT })
  await waitUntil(() => isIdle(service), "the process to be idle")

  // Open connections are served, and descriptors are left for a replaced worker.
  expect((await first.ask("GET", "/health/ready")).status).toBe(200)
  expect(await metric(first, "event_broker_descriptors_exhausted")).toBe(1)
  expect(await metric(first, "process_max_fds")).toBe(LIMIT)
  for (const name of ["crashes", "works"]) {
    const draft = JSON.stringify({ type: "custom", name, payload: {} })
    expect((await first.ask("POST", "/api/v1/events", draft)).status).toBe(201)
  }
  await waitUntil(() => folder.journalLines().length === 1, "the event after the crash to be handled")

  // Waiting connections are accepted once others have closed.
  for (const other of others.slice(0, -STAYING)) other[Symbol.dispose]()
  const [last] = others.slice(-1)
  expect((await last?.ask("GET", "/health/live"))?.status).toBe(200)
  await waitUntil(
    async () => (await metric(first, "event_broker_descriptors_exhausted")) === 0,
    "enough descriptors",
  )
  expect((await fetch(`${service.url}/health/ready`)).status).toBe(200)
  await waitUntil(
    () => timesTold(service, /^file descriptors available again/) === 1,
    "the recovery to be told",
  )
  expect(timesTold(service, EXHAUSTED)).toBe(1)
  for (const other of others) other[Symbol.dispose]()
  expect(await service.stop()).toBe(0)
}, 60_000)

test("without file descriptors the service stops cleanly", async () => {
  await using folder = new ServiceFolder(["bash", "-c", `ulimit -n ${LIMIT}; exec "$0"`, ...FROM_BINARY])
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const others = Array.from(
    { length: CONNECTIONS },
    () => new KeepAliveConnection(Number(new URL(service.url).port)),
  )
  await waitUntil(() => timesTold(service, EXHAUSTED) > 0, "the exhaustion to be told")
  expect(await service.stop()).toBe(0)
  for (const other of others) other[Symbol.dispose]()
})
