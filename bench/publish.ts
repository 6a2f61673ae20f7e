/**
 * Compares durable single-event publishes over HTTP with a bare server in one run, and measures the time from
 * process start to ready and the idle memory. Arguments: rounds, seconds per round, connections.
 */
import { join } from "node:path"
import { median, print, run } from "./measure.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "3", connections = "64"] = process.argv.slice(2)
const EXAMPLES = join(import.meta.dir, "..", "examples", "handlers")
const IDLE_MS = 2_000

const rateOf = (server: ServerProcess): Promise<number> => run("load.ts", [server.url, connections, seconds])

async function measureRates(): Promise<void> {
  const measured: number[] = []
  console.log(
    `publishes per second, ${connections} connections:\nround                              bare   broker  ratio`,
  )
  for (let round = 1; round <= Number(rounds); round++) {
    await using bareServer = await ServerProcess.bare()
    const bare = await rateOf(bareServer)
    await using brokerServer = await ServerProcess.broker()
    const broker = await rateOf(brokerServer)
    measured.push(broker / bare)
    print(`round ${round}`, bare, broker)
  }
  console.log(`median ratio ${median(measured).toFixed(2)} (target: 0.5)`)
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
    `from start to ready with five workers: ${median(times).toFixed(0)} ms (median; target: under 150)`,
  )
  console.log(`resident memory when idle: ${median(memory).toFixed(0)} MB (median; target: under 100)`)
}

await measureRates()
await measureStart()
