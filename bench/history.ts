/**
 * Compares the service with and without its history: single publishes, and handling a backlog, on the embedded engine
 * and on RabbitMQ. Arguments: rounds, seconds per measurement, connections.
 */
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { handleEmbedded, handleRabbitMq } from "./handled-rate.ts"
import { comparePaired, lasting } from "./paired.ts"
import { publishRate } from "./publish-rate.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "2", connections = "64"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 5

/** How long each new process publishes before it is measured, in seconds: thousands of functions are compiled meanwhile. */
const WARM_UP_SECONDS = "4"

/** Least ratio of the rates, with the history to without it. */
const TARGET = 0.9

type Environment = Readonly<Record<string, string>>

/** Opens services without and with a history, each a new process that has published for a while. */
async function openPair(environment: Environment, prepare: () => Promise<unknown>) {
  await using started = new AsyncDisposableStack()
  const start = async (history: Environment) => {
    const server = started.use(await ServerProcess.broker({ ...environment, ...history }))
    return async (duration: string) => {
      await prepare()
      return publishRate(server, connections, duration)
    }
  }
  const [before, after] = [await start({ HISTORY: "off" }), await start({})]
  for (const publish of [before, after]) await publish(WARM_UP_SECONDS)
  const services = started.move()
  return {
    before: () => before(seconds),
    after: () => after(seconds),
    [Symbol.asyncDispose]: () => services.disposeAsync(),
  }
}

/**
 * Each round has new processes, because one can be some percent slower than the next for as long as it runs.
 * @param prepare called before each measurement
 */
const comparePublishes = (
  what: string,
  environment: Environment,
  prepare: () => Promise<unknown> = async () => {},
): Promise<void> =>
  comparePaired(
    `${what}: ${connections} connections publish, without and with a history`,
    () => openPair(environment, prepare),
    Number(rounds),
    TARGET,
  )

await comparePublishes("embedded", {})
await comparePaired(
  "embedded: handling a backlog, without and with a history",
  lasting({
    before: () => handleEmbedded(HANDLERS, { HISTORY: "off" }),
    after: () => handleEmbedded(HANDLERS),
  }),
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
      lasting({ before: handle({ HISTORY: "off" }), after: handle({}) }),
      HANDLED_ROUNDS,
      TARGET,
    )
  } finally {
    await node[Symbol.asyncDispose]()
  }
}
