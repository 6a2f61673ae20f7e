/**
 * The service on RabbitMQ against the client library alone, in one run, on quorum queues of a node of its own:
 * single publishes, batches, and events handled. Arguments: rounds, seconds a round.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { median, print, run } from "./measure.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "3", seconds = "3"] = process.argv.slice(2)
const [installation] = installations()
if (installation === undefined) throw new Error("there is no RabbitMQ to measure with")

/** As many as wait for their handler in five workers with ten deliveries each. */
const PREFETCH = 50

/** Until both run as fast as they will, in milliseconds. */
const WARM_UP_MS = 2_000

/** Each leaves some 100,000 events in the queue, for both to take from. */
const FILLING_PASSES = 2
const BATCH_CONNECTIONS = 8
const BATCH_SIZE = 100
const COUNTING = join(import.meta.dir, "handlers")

const node = await RabbitMqNode.start(installation)
const environment = { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port), HANDLERS_DIR: "" }

const alone = (what: string, inFlight: number): Promise<number> =>
  run("rabbitmq-alone.ts", [what, String(node.port), String(inFlight), seconds])

const purge = () => node.manage("DELETE", "queues/%2F/voice_events/contents")

async function publishing(label: string, connections: number, batch: number): Promise<void> {
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    await using server = await ServerProcess.broker(environment)
    await purge()
    const library = await alone("publish", connections * batch)
    await purge()
    const broker = await run("load.ts", [server.url, String(connections), seconds, String(batch)])
    ratios.push(broker / library)
    print(`${label} ${round}`, library, broker)
  }
  console.log(`${label}: ratio ${median(ratios).toFixed(2)}`)
}

async function fill(): Promise<void> {
  await using server = await ServerProcess.broker(environment)
  await purge()
  for (let pass = 0; pass < FILLING_PASSES; pass++) {
    await run("load.ts", [server.url, String(BATCH_CONNECTIONS), "3", String(BATCH_SIZE)])
  }
}

async function consuming(): Promise<void> {
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    await fill()
    const library = await alone("consume", PREFETCH)
    await fill()
    await using server = await ServerProcess.broker({ ...environment, HANDLERS_DIR: COUNTING })
    const broker = await handledPerSecond(server)
    ratios.push(broker / library)
    print(`consumed and acked ${round}`, library, broker)
  }
  console.log(`consumed and acked: ratio ${median(ratios).toFixed(2)}`)
}

/** How fast the queue drains: what is left of it, before and after. */
async function handledPerSecond(server: ServerProcess): Promise<number> {
  const left = async (): Promise<number> => {
    const stats = (await (await fetch(`${server.url}/api/v1/events/stats`)).json()) as {
      readonly queue_name: string
      readonly message_count: number
    }[]
    return stats.find(({ queue_name }) => queue_name === "voice_events")?.message_count ?? 0
  }
  await Bun.sleep(WARM_UP_MS)
  const before = await left()
  const start = performance.now()
  await Bun.sleep(Number(seconds) * 1_000)
  const after = await left()
  if (after === 0) throw new Error("the queue was empty before the time was over")
  return Math.round(((before - after) / (performance.now() - start)) * 1_000)
}

console.log(`RabbitMQ ${(await node.control("version")).trim()}, quorum queues; events a second:`)
console.log("what                            library   broker  ratio")
try {
  await publishing("single, 64 connections", 64, 1)
  await publishing("single, 256 connections", 256, 1)
  await publishing("batches of 100", BATCH_CONNECTIONS, BATCH_SIZE)
  await consuming()
} finally {
  await node[Symbol.asyncDispose]()
}
