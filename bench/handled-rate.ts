import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { Backlog } from "./backlog.ts"
import { draft } from "./draft.ts"
import { drainRate, MEASURED_TO } from "./drain-rate.ts"
import type { Throughput } from "./measure.ts"
import { queueDepth } from "./queue-depth.ts"
import { BROKER, ServerProcess } from "./server-process.ts"

/** Some seconds of work. */
const BACKLOG = 100_000
const BATCH = 1_000

/** Measures how these handlers handle a backlog, on the embedded engine. */
export async function handleEmbedded(
  handlers: string,
  others: Readonly<Record<string, string>> = {},
  binary = BROKER,
): Promise<Throughput> {
  using folder = temporaryFolder()
  const environment = { ...others, DATA_DIR: folder.path }
  {
    await using filled = await ServerProcess.broker({ ...environment, HANDLERS_DIR: "" }, binary)
    await fill(filled.url)
  }
  await using server = await ServerProcess.broker({ ...environment, HANDLERS_DIR: handlers }, binary)
  return await throughputOf(server, () => drainRate(BACKLOG, () => queueDepth(server.url)))
}

/** Like `handleEmbedded`, on RabbitMQ. */
export async function handleRabbitMq(
  port: number,
  environment: Readonly<Record<string, string>>,
  handlers: string,
  binary = BROKER,
): Promise<Throughput> {
  {
    await using filled = await ServerProcess.broker({ ...environment, HANDLERS_DIR: "" }, binary)
    await fill(filled.url)
  }
  await using backlog = await Backlog.open(port, "voice_events", BACKLOG)
  await backlog.settled()
  await using server = await ServerProcess.broker({ ...environment, HANDLERS_DIR: handlers }, binary)
  return await throughputOf(server, () => backlog.drainRate())
}

/** The CPU time includes the start of the handlers, which is the same for each measurement. */
async function throughputOf(server: ServerProcess, drain: () => Promise<number>): Promise<Throughput> {
  const rate = await drain()
  return { rate, cpuUs: ((await server.cpuMs()) * 1_000) / (BACKLOG * (1 - MEASURED_TO)) }
}

async function fill(url: string): Promise<void> {
  const body = JSON.stringify({ events: Array.from({ length: BATCH }, () => draft()) })
  const headers = { "Content-Type": "application/json" }
  for (let filled = 0; filled < BACKLOG; filled += BATCH) {
    const { status } = await fetch(`${url}/api/v1/events/batch`, { method: "POST", headers, body })
    if (status !== 201) throw new Error(`the batch got the response ${status}`)
  }
  // A history answers once it has what was stored before, so that it does not catch up while the backlog is handled.
  await fetch(`${url}/api/v1/events/none`)
}
