/**
 * Measures the time from a publish to the start of its handler, and how many events per second the pool
 * handles if the handler waits for a millisecond, on both engines; RabbitMQ uses quorum queues on a node of
 * its own. Arguments: rounds, seconds per round.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { handleEmbedded, handleRabbitMq } from "./handled-rate.ts"
import { type Latency, measureLatency } from "./latency.ts"
import { median, print, run, type Throughput } from "./measure.ts"

const [rounds = "3", seconds = "3"] = process.argv.slice(2)
const [installation] = installations()
if (installation === undefined) throw new Error("there is no RabbitMQ to measure with")

/** Handlers that wait at a time: five workers with ten deliveries each. */
const IN_FLIGHT = "50"
const WAITING = join(import.meta.dir, "handlers-waiting")

type Environment = Readonly<Record<string, string>>

function printLatency(label: string, p50: number, p99: number): void {
  console.log(`${label.padEnd(48)} ${p50.toFixed(2).padStart(8)} ${p99.toFixed(2).padStart(8)}`)
}

function printMedians(label: string, measured: readonly Latency[]): void {
  printLatency(
    `${label}: medians`,
    median(measured.map(({ p50 }) => p50)),
    median(measured.map(({ p99 }) => p99)),
  )
}

async function latencies(engine: string, environment: Environment): Promise<void> {
  console.log(`${engine}; from publish to handler, in milliseconds:`)
  console.log("what                                                  p50      p99")
  const idles: Latency[] = []
  const halves: Latency[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    const { idle, half } = await measureLatency(environment, seconds)
    idles.push(idle)
    halves.push(half)
    printLatency(`idle, ${idle.perSecond} per second ${round}`, idle.p50, idle.p99)
    printLatency(`half of the highest rate, ${half.perSecond} per second ${round}`, half.p50, half.p99)
  }
  printMedians("idle", idles)
  printMedians("half of the highest rate", halves)
}

async function waiting(engine: string, handle: () => Promise<Throughput>): Promise<void> {
  console.log(
    `${engine}; events per second whose handler awaits 1 ms, against ${IN_FLIGHT} bare loops that do:`,
  )
  console.log("what                              bare   broker  ratio")
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    const bare = await run("sleep-alone.ts", [IN_FLIGHT, seconds])
    const { rate: broker } = await handle()
    ratios.push(broker / bare)
    print(`handled ${round}`, bare, broker)
  }
  console.log(`handled: ratio ${median(ratios).toFixed(2)}`)
}

await latencies("embedded", {})
await waiting("embedded", () => handleEmbedded(WAITING))

const node = await RabbitMqNode.start(installation)
try {
  const name = `RabbitMQ ${(await node.control("version")).trim()}`
  const environment = { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) }
  await latencies(name, environment)
  await waiting(name, () => handleRabbitMq(node.port, environment, WAITING))
} finally {
  await node[Symbol.asyncDispose]()
}
