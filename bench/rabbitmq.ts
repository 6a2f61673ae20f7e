/**
 * Compares the service on RabbitMQ with the client library alone in one run, on quorum queues of a node of
 * its own: single publishes, batches, and handled events. Arguments: rounds, seconds per round.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { Backlog } from "./backlog.ts"
import { median, print, run, start } from "./measure.ts"
import { recognisedSpeech } from "./recognised-speech.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "3", seconds = "3"] = process.argv.slice(2)
const [installation] = installations()
if (installation === undefined) throw new Error("there is no RabbitMQ to measure with")

/** As many as wait for their handler in five workers with ten deliveries each. */
const PREFETCH = 50

/** Some seconds of work. */
const BACKLOG = 100_000

const BATCH_CONNECTIONS = 8
const BATCH_SIZE = 100
const HANDLERS = join(import.meta.dir, "handlers")

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

async function consuming(): Promise<void> {
  {
    // Declares the queues.
    await using _ = await ServerProcess.broker(environment)
  }
  await using backlog = await Backlog.open(node.port, "voice_events", BACKLOG)
  const ratios: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    await backlog.fill(recognisedSpeech)
    const consumer = start("rabbitmq-alone.ts", ["consume", String(node.port), String(PREFETCH)])
    const library = await backlog.drainRate()
    consumer.kill()
    await consumer.exited
    await backlog.fill(recognisedSpeech)
    await using _ = await ServerProcess.broker({ ...environment, HANDLERS_DIR: HANDLERS })
    const broker = await backlog.drainRate()
    ratios.push(broker / library)
    print(`consumed and acked ${round}`, library, broker)
  }
  console.log(`consumed and acked: ratio ${median(ratios).toFixed(2)}`)
}

console.log(`RabbitMQ ${(await node.control("version")).trim()}, quorum queues; events per second:`)
console.log("what                            library   broker  ratio")
try {
  await publishing("single, 64 connections", 64, 1)
  await publishing("single, 256 connections", 256, 1)
  await publishing("batches of 100", BATCH_CONNECTIONS, BATCH_SIZE)
  await consuming()
} finally {
  await node[Symbol.asyncDispose]()
}
