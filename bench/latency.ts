import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { waitUntil } from "../tests/support/wait-until.ts"
import { run } from "./measure.ts"
import { queueDepth } from "./queue-depth.ts"
import { ServerProcess } from "./server-process.ts"

const HANDLERS = join(import.meta.dir, "handlers-latency")
const CONNECTIONS = "64"

/** One publish at a time: each is handled long before the next one arrives. */
const IDLE_RATE = 100

/** Enough for some hundreds of samples. */
const IDLE_SECONDS = "4"

/** Time in which a store finishes writing after its last confirm, in milliseconds. */
const SETTLE_MS = 2_500

const DRAINED_WITHIN_MS = 60_000

/** Time from when the client should send an event to the start of its handler, in milliseconds. */
export interface Latency {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/**
 * Measures with hardly any publishes, and at half of the highest rate of single publishes that are handled.
 */
export async function measureLatency(
  environment: Readonly<Record<string, string>>,
  seconds: string,
): Promise<{ readonly idle: Latency; readonly half: Latency }> {
  using folder = temporaryFolder()
  const file = join(folder.path, "latencies")
  const more = { HANDLERS_DIR: HANDLERS, LATENCIES_FILE: file }
  await using server = await ServerProcess.broker({ ...environment, ...more })
  const highest = await run("load.ts", [server.url, CONNECTIONS, seconds])
  await waitUntil(
    async () => (await queueDepth(server.url)) === 0,
    "the backlog to be handled",
    DRAINED_WITHIN_MS,
  )
  await Bun.sleep(SETTLE_MS)
  const idle = await latencyAt(IDLE_RATE, IDLE_SECONDS, server.url, file)
  const half = await latencyAt(Math.round(highest / 2), seconds, server.url, file)
  return { idle, half }
}

async function latencyAt(perSecond: number, seconds: string, url: string, file: string): Promise<Latency> {
  rmSync(file, { force: true })
  const count = await run("paced-load.ts", [url, String(perSecond), seconds])
  const noted = () => readFileSync(file, "utf8").split("\n").slice(0, -1)
  await waitUntil(() => noted().length >= count, "every latency to be recorded", DRAINED_WITHIN_MS)
  const latencies = noted()
    .map(Number)
    .toSorted((a, b) => a - b)
  const [lowest = Number.NaN] = latencies
  if (!(lowest > 0)) throw new Error(`the clocks differ: the lowest latency is ${lowest} ms`)
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN
  return { perSecond, p50: at(0.5), p99: at(0.99) }
}
