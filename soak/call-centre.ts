/**
 * The day of `examples/call-centre`, on RabbitMQ while another program uses the same broker. Arguments:
 * events (50,000), engine (rabbitmq, or embedded). A refused publish is repeated, so that the events of each
 * call stay in order. Exits with 1 if the sums differ from the generator's, or anything is lost.
 */
import { join } from "node:path"
import { isReady } from "../tests/support/counting-service.ts"
import { runCommand } from "../tests/support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../tests/support/running-service.ts"
import { waitUntil } from "../tests/support/wait-until.ts"
import { DeadLetters } from "./dead-letters.ts"
import { openPlace } from "./place.ts"

const [count = "50000", engine = "rabbitmq"] = process.argv.slice(2)

const EXAMPLES = join(import.meta.dir, "..", "examples")
const EXAMPLE = join(EXAMPLES, "call-centre")
const QUEUE = "voice_events"

/** Calls published at a time: few, so that the other program does much meanwhile. */
const CALLS_AT_A_TIME = 8

const REFUSED_PAUSE_MS = 100
const READY_WITHIN_MS = 60_000
const HANDLED_WITHIN_MS = 120_000

interface CallEvent {
  readonly ordering_key: string
}

/**
 * Publishes the events of one call, each after the previous one is stored. Returns how many publishes were
 * refused.
 */
async function publishCall(service: RunningService, events: readonly CallEvent[]): Promise<number> {
  let refused = 0
  for (const event of events) {
    while ((await service.post("/api/v1/events", event)).status !== 201) {
      refused++
      await Bun.sleep(2 * REFUSED_PAUSE_MS * Math.random())
    }
  }
  return refused
}

async function publishDay(service: RunningService, day: readonly CallEvent[]): Promise<number> {
  const calls = Object.values(Object.groupBy(day, ({ ordering_key: call }) => call))
  let refused = 0
  const client = async (): Promise<void> => {
    for (let call = calls.shift(); call !== undefined; call = calls.shift())
      refused += await publishCall(service, call)
  }
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, client))
  return refused
}

async function isAllHandled(service: RunningService): Promise<boolean> {
  const { body } = await service.get("/api/v1/events/stats")
  const queues = body as readonly { readonly queue_name: string; readonly message_count: number }[]
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  const isIdle = metrics.includes("\nevent_broker_deliveries_in_flight 0\n")
  return isIdle && queues.some(({ queue_name: name, message_count: left }) => name === QUEUE && left === 0)
}

async function run(): Promise<boolean> {
  await using place = await openPlace(engine)
  await using folder = new ServiceFolder()
  const { stdout, stderr: expected } = await runCommand(
    ["node", join(EXAMPLE, "generate.mjs"), count],
    folder.path,
  )
  const day = stdout
    .trim()
    .split("\n")
    .map((line): CallEvent => JSON.parse(line))
  const service = await folder.start({
    ...place.variables,
    HANDLERS_DIR: join(EXAMPLE, "handlers"),
    SCHEMAS_DIR: join(EXAMPLES, "schemas"),
  })
  await waitUntil(() => isReady(service), "the service to be ready", READY_WITHIN_MS)
  await Bun.sleep(place.settlingMs)
  const other = place.otherProgram?.(QUEUE)
  const startedAt = performance.now()
  const refused = await publishDay(service, day)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  await other?.stop()
  await waitUntil(() => isReady(service), "the service to be ready again", READY_WITHIN_MS)
  await waitUntil(() => isAllHandled(service), "all to be handled", HANDLED_WITHIN_MS)
  const dead = new DeadLetters(() => service.url, QUEUE)
  await dead.collect()
  const report = await runCommand([BINARY, "run", join(EXAMPLE, "report.ts")], folder.path, {
    BUN_BE_BUN: "1",
  })

  const foreign = other?.published ?? new Set()
  const lost = foreign.difference(dead.foreignIds).size
  const inOrder = "events out of the order of their call: 0"
  const holds =
    report.stdout.includes(expected.trim()) &&
    report.stdout.includes(inOrder) &&
    lost === 0 &&
    dead.ids.size === 0
  console.log(`${place.name}: ${day.length} events published in ${seconds} s, ${refused} publishes refused`)
  console.log(report.stdout.trim())
  console.log(`expected: ${expected.trim()}`)
  if (other !== undefined) {
    const done = [...other.done].map(([what, times]) => `${times} ${what}`)
    console.log(`another program: ${done.join(", ")}; ${foreign.size} messages published, ${lost} lost`)
  }
  console.log(`own dead letters: ${dead.ids.size}`)
  console.log(holds ? "holds" : "FAILS")
  return holds
}

process.exit((await run()) ? 0 : 1)
