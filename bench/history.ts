/**
 * Compares the service with and without its history: single publishes, and handling a backlog, on the embedded engine
 * and on RabbitMQ. Then fills a history with events, and measures lookups and the size of its file. Arguments: rounds,
 * seconds per measurement, connections, events of the filled history.
 */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { installations } from "../tests/support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { draft } from "./draft.ts"
import { handleEmbedded, handleRabbitMq } from "./handled-rate.ts"
import { median } from "./measure.ts"
import { comparePaired } from "./paired.ts"
import { publishRate } from "./publish-rate.ts"
import { ServerProcess } from "./server-process.ts"

const [rounds = "5", seconds = "2", connections = "64", filled = "2000000"] = process.argv.slice(2)
const HANDLERS = join(import.meta.dir, "handlers")

/** Each round takes the time of a backlog four times. */
const HANDLED_ROUNDS = 3

/** Least ratio of the rates, with the history to without it. */
const TARGET = 0.9

const BATCH = 1_000
const LOOKUPS = 1_000

/** Most milliseconds of a lookup. */
const LOOKUP_TARGET_MS = 5

type Environment = Readonly<Record<string, string>>

async function comparePublishes(what: string, environment: Environment): Promise<void> {
  await using without = await ServerProcess.broker({ ...environment, HISTORY: "off" })
  await using with_ = await ServerProcess.broker(environment)
  const measured = (server: ServerProcess) => () => publishRate(server, connections, seconds)
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
  try {
    const name = `RabbitMQ ${(await node.control("version")).trim()}`
    const environment = {
      RABBITMQ_HOST: "127.0.0.1",
      RABBITMQ_PORT: String(node.port),
      QUEUE_OVERFLOW: "drop-head",
      QUEUE_MAX_LENGTH: "200000",
    }
    await comparePublishes(name, environment)
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
await fillAndLookUp(Number(filled))

/** Publishes events until the history has had as many, and looks some of them up at half of it and at the end. */
async function fillAndLookUp(total: number): Promise<void> {
  using folder = temporaryFolder()
  await using server = await ServerProcess.broker({ DATA_DIR: folder.path, HANDLERS_DIR: HANDLERS })
  const headers = { "Content-Type": "application/json" }
  let largest = 0
  const recent: string[] = []
  for (let published = 0; published < total; published += BATCH) {
    const events = Array.from({ length: BATCH }, () => draft())
    const body = JSON.stringify({ events })
    const response = await fetch(`${server.url}/api/v1/events/batch`, { method: "POST", headers, body })
    const answer = (await response.json()) as { readonly results: readonly { readonly id: string }[] }
    const [first] = answer.results
    if (first !== undefined) recent.push(first.id)
    largest = Math.max(largest, historyBytes(folder.path))
    if ((published + BATCH) % (total / 2) === 0) await lookUp(server.url, recent, published + BATCH)
  }
  console.log(
    `largest size of the history's file and log: ${(largest / 2 ** 20).toFixed(0)} MiB (bound: 1024 MiB)`,
  )
}

async function lookUp(url: string, ids: readonly string[], published: number): Promise<void> {
  // The first one waits for what is on its way.
  await fetch(`${url}/api/v1/events/${ids.at(-1)}`)
  const times: number[] = []
  let missing = 0
  for (let each = 0; each < LOOKUPS; each++) {
    const id = ids[Math.floor(Math.random() * ids.length)]
    const begunAt = performance.now()
    const response = await fetch(`${url}/api/v1/events/${id}`)
    await response.text()
    times.push(performance.now() - begunAt)
    if (!response.ok) missing++
  }
  const sorted = times.toSorted((a, b) => a - b)
  console.log(
    `lookup by id over HTTP after ${published} events, ${LOOKUPS} times: median ${median(times).toFixed(2)} ms, ` +
      `99 % ${sorted[Math.floor(LOOKUPS * 0.99)]?.toFixed(2)} ms (target: ${LOOKUP_TARGET_MS}); ${missing} no longer kept`,
  )
}

const historyBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.startsWith("history"))
    .reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0)
