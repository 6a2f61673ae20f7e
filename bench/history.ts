/**
 * Compares the service with and without its history: single publishes, and handling a backlog, on the embedded engine
 * and on RabbitMQ. Arguments: rounds, seconds per measurement, connections.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { handleEmbedded, handleRabbitMq } from "./handled-rate.ts"
import { comparePaired } from "./paired.ts"
import { publishRate } from "./publish-rate.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "2", connections = "64"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 3

/** Least ratio of the rates, with the history to without it. */
const TARGET = 0.9

type Environment = Readonly<Record<string, string>>

/** @param prepare called before each measurement */
async function comparePublishes(
  what: string,
  environment: Environment,
  prepare: () => Promise<unknown> = async () => {},
): Promise<void> {
  await using without = await ServerProcess.broker({ ...environment, HISTORY: "off" })
  await using with_ = await ServerProcess.broker(environment)
  const measured = (server: ServerProcess) => async () => {
    await prepare()
    return publishRate(server, connections, seconds)
  }
  const services = { before: measured(without), after: measured(with_) }
  await comparePaired(
    `${what}: ${connections} connections publish, without and with a history`,
    services,
    Number(rounds),
    TARGET,
  )
}

await comparePublishes("embedded", {})
await comparePaired(
  "embedded: handling a backlog, without and with a history",
  {
    before: () => handleEmbedded(HANDLERS, { HISTORY: "off" }),
    after: () => handleEmbedded(HANDLERS),
  },
  HANDLED_ROUNDS,
  TARGET,
)
for (const installation of installations()) {
  const node = await RabbitMqNode.start(installation)
  // Kept over the rounds, so that none of them rebuilds the history of those before it.
  using folder = temporaryFolder()
  try {
    const name = `RabbitMQ ${(await node.control("version")).trim()}`
    const environment = {
      RABBITMQ_HOST: "127.0.0.1",
      RABBITMQ_PORT: String(node.port),
      QUEUE_OVERFLOW: "drop-head",
      QUEUE_MAX_LENGTH: "200000",
      DATA_DIR: folder.path,
    }
    // From its limit on, the queue would make its oldest event a dead letter for each new one, which halves the rate of both services.
    await comparePublishes(name, environment, () => node.control("purge_queue", "voice_events"))
    const handle = (history: Environment) => () =>
      handleRabbitMq(node.port, { ...environment, ...history }, HANDLERS)
    await comparePaired(
      `${name}: handling a backlog, without and with a history`,
      { before: handle({ HISTORY: "off" }), after: handle({}) },
      HANDLED_ROUNDS,
      TARGET,
    )
  } finally {
    await node[Symbol.asyncDispose]()
  }
}
