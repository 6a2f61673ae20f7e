/**
 * Durable single-event publishes over HTTP against a bare server, in one run; the time from the process' start
 * to ready; and the memory when idle. Arguments: rounds, seconds a round, connections.
 */
import { join } from "node:path"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "3", connections = "64"] = process.argv.slice(2)
const EXAMPLES = join(import.meta.dir, "..", "examples", "handlers")
const IDLE_MS = 2_000

async function rateOf(server: ServerProcess): Promise<number> {
  const script = join(import.meta.dir, "load.ts")
  const client = Bun.spawn([process.execPath, script, server.url, connections, seconds], { stdout: "pipe" })
  const rate = Number(await client.stdout.text())
  if ((await client.exited) !== 0 || !(rate > 0)) throw new Error("the client failed")
  return rate
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

async function measureRates(): Promise<void> {
  const measured: { bare: number; broker: number; ratio: number }[] = []
  console.log(`publishes a second, ${connections} connections:\nround     bare   broker  ratio`)
  for (let round = 1; round <= Number(rounds); round++) {
    await using bareServer = await ServerProcess.bare()
    const bare = await rateOf(bareServer)
    await using brokerServer = await ServerProcess.broker()
    const broker = await rateOf(brokerServer)
    measured.push({ bare, broker, ratio: broker / bare })
    print(String(round), bare, broker, broker / bare)
  }
  print(
    "median",
    median(measured.map(({ bare }) => bare)),
    median(measured.map(({ broker }) => broker)),
    median(measured.map(({ ratio }) => ratio)),
  )
}

function print(label: string, bare: number, broker: number, ratio: number): void {
  console.log(
    `${label.padEnd(6)} ${String(bare).padStart(7)} ${String(broker).padStart(8)} ${ratio.toFixed(2).padStart(6)}`,
  )
}

async function measureStart(): Promise<void> {
  const times: number[] = []
  const memory: number[] = []
  for (let round = 0; round < Number(rounds); round++) {
    const start = performance.now()
    await using server = await ServerProcess.broker({ HANDLERS_DIR: EXAMPLES })
    while (!(await fetch(`${server.url}/health/ready`)).ok) await Bun.sleep(1)
    times.push(performance.now() - start)
    await Bun.sleep(IDLE_MS)
    memory.push(await server.residentMegabytes())
  }
  console.log(
    `from start to ready with five workers: ${median(times).toFixed(0)} ms (median; to reach: under 150)`,
  )
  console.log(`resident memory when idle: ${median(memory).toFixed(0)} MB (median; to reach: under 100)`)
}

await measureRates()
await measureStart()
