/**
 * Compares another binary of the service with `dist/event-broker` in one run: single publishes, and handling
 * a backlog, on the embedded engine and on RabbitMQ. Both run alternately, because the speed of a machine
 * drifts. Arguments: the other binary, rounds, seconds per round, connections.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { handledRateEmbedded, handledRateRabbitMq } from "./handled-rate.ts"
import { median, print, run } from "./measure.ts"
import { BROKER, ServerProcess } from "./server-process.ts"

const [other = "", rounds = "9", seconds = "2", connections = "64"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** An even number, so that each goes first as often. Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 6

type Environment = Readonly<Record<string, string>>
type Rate = (binary: string) => Promise<number>

async function compare(what: string, count: number, rateOf: Rate): Promise<void> {
  console.log(`\n${what}, events per second:\nround                           before    after  ratio`)
  const ratios: number[] = []
  for (let round = 1; round <= count; round++) {
    // Each goes first in turn, because the second one finds a warmer machine.
    const isFirst = round % 2 === 0
    const early = isFirst ? await rateOf(BROKER) : 0
    const before = await rateOf(other)
    const after = isFirst ? early : await rateOf(BROKER)
    ratios.push(after / before)
    print(`round ${round}`, before, after)
  }
  console.log(`median ratio ${median(ratios).toFixed(2)} (target: 0.95)`)
}

/** Both services stay up, so that rounds can be short and many. */
async function comparePublishes(what: string, environment: Environment): Promise<void> {
  await using before = await ServerProcess.broker(environment, other)
  await using after = await ServerProcess.broker(environment)
  await compare(`${what}: ${connections} connections publish`, Number(rounds), (binary) => {
    const { url } = binary === other ? before : after
    return run("load.ts", [url, connections, seconds])
  })
}

await comparePublishes("embedded", {})
await compare("embedded: handling a backlog", HANDLED_ROUNDS, (binary) =>
  handledRateEmbedded(HANDLERS, binary),
)

const [installation] = installations()
if (installation === undefined) throw new Error("there is no RabbitMQ to measure with")
const node = await RabbitMqNode.start(installation)
try {
  const name = `RabbitMQ ${(await node.control("version")).trim()}`
  // Published events of both wait in one queue.
  const environment = {
    RABBITMQ_HOST: "127.0.0.1",
    RABBITMQ_PORT: String(node.port),
    QUEUE_OVERFLOW: "drop-head",
    QUEUE_MAX_LENGTH: "200000",
  }
  await comparePublishes(name, environment)
  await compare(`${name}: handling a backlog`, HANDLED_ROUNDS, (binary) =>
    handledRateRabbitMq(node.port, environment, HANDLERS, binary),
  )
} finally {
  await node[Symbol.asyncDispose]()
}
