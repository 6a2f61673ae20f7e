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
import { comparePaired, lasting } from "./paired.ts"
import { publishRate } from "./publish-rate.ts"
import { BROKER, ServerProcess } from "./server-process.ts"

const [other = "", rounds = "5", seconds = "2", connections = "64"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 3

type Environment = Readonly<Record<string, string>>

/** Both services stay up, so that rounds can be short and many. */
async function comparePublishes(what: string, environment: Environment): Promise<void> {
  await using before = await ServerProcess.broker(environment, other)
  await using after = await ServerProcess.broker(environment)
  const measured = (server: ServerProcess) => () => publishRate(server, connections, seconds)
  const services = { before: measured(before), after: measured(after) }
  await comparePaired(`${what}: ${connections} connections publish`, lasting(services), Number(rounds))
}

await comparePublishes("embedded", {})
await comparePaired(
  "embedded: handling a backlog",
  lasting({ before: () => handleEmbedded(HANDLERS, {}, other), after: () => handleEmbedded(HANDLERS) }),
  HANDLED_ROUNDS,
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
  const handle = (binary: string) => () => handleRabbitMq(node.port, environment, HANDLERS, binary)
  await comparePaired(
    `${name}: handling a backlog`,
    lasting({ before: handle(other), after: handle(BROKER) }),
    HANDLED_ROUNDS,
  )
} finally {
  await node[Symbol.asyncDispose]()
}
