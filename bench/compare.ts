/**
 * Compares another binary of the service with `dist/event-broker` in one run: single publishes, and handling
 * a backlog, on the embedded engine and on RabbitMQ. Shows events per second, and CPU time of the service per
 * event, which varies less with what else the machine does. Arguments: the other binary, rounds, seconds per
 * measurement, connections.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { handleEmbedded, handleRabbitMq } from "./handled-rate.ts"
import { median, run, type Throughput } from "./measure.ts"
import { BROKER, ServerProcess } from "./server-process.ts"

const [other = "", rounds = "5", seconds = "2", connections = "64"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 3

/** Least ratio of the rates, after to before. */
const TARGET = 0.95

type Environment = Readonly<Record<string, string>>
type Measure = (binary: string) => Promise<Throughput>

/** Compares in rounds of four measurements: the first and the last find another machine than those between. */
async function compare(what: string, count: number, measure: Measure): Promise<void> {
  console.log(
    `\n${what}:\nround            events per second, before and after   CPU us per event, before and after`,
  )
  const rates: number[] = []
  const costs: number[] = []
  for (let round = 1; round <= count; round++) {
    const [first, second] = round % 2 === 0 ? [BROKER, other] : [other, BROKER]
    const outer = [await measure(first)]
    const inner = [await measure(second), await measure(second)]
    outer.push(await measure(first))
    const [before, after] = first === other ? [mean(outer), mean(inner)] : [mean(inner), mean(outer)]
    rates.push(after.rate / before.rate)
    costs.push(after.cpuUs / before.cpuUs)
    console.log(
      `${`round ${round}`.padEnd(30)} ${columns(before.rate, after.rate, 0)}         ${columns(before.cpuUs, after.cpuUs, 1)}`,
    )
  }
  console.log(
    `median ratios: rate ${median(rates).toFixed(2)} (target: ${TARGET}), CPU ${median(costs).toFixed(2)}`,
  )
}

/** Both measurements of a round count alike. */
function mean(measured: readonly Throughput[]): Throughput {
  const average = (of: (each: Throughput) => number) =>
    measured.reduce((sum, each) => sum + of(each), 0) / measured.length
  return { rate: average(({ rate }) => rate), cpuUs: average(({ cpuUs }) => cpuUs) }
}

const columns = (before: number, after: number, digits: number): string =>
  [before.toFixed(digits), after.toFixed(digits), (after / before).toFixed(2)]
    .map((text) => text.padStart(8))
    .join("")

/** Both services stay up, so that rounds can be short and many. */
async function comparePublishes(what: string, environment: Environment): Promise<void> {
  await using before = await ServerProcess.broker(environment, other)
  await using after = await ServerProcess.broker(environment)
  await compare(`${what}: ${connections} connections publish`, Number(rounds), async (binary) => {
    const server = binary === other ? before : after
    const cpuMs = await server.cpuMs()
    const startedAt = performance.now()
    const rate = await run("load.ts", [server.url, connections, seconds])
    const published = (rate * (performance.now() - startedAt)) / 1_000
    return { rate, cpuUs: (((await server.cpuMs()) - cpuMs) * 1_000) / published }
  })
}

await comparePublishes("embedded", {})
await compare("embedded: handling a backlog", HANDLED_ROUNDS, (binary) => handleEmbedded(HANDLERS, binary))

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
    handleRabbitMq(node.port, environment, HANDLERS, binary),
  )
} finally {
  await node[Symbol.asyncDispose]()
}
