import { expect, test } from "bun:test"
import { join } from "node:path"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const EXAMPLES = join(import.meta.dir, "..", "..", "examples")
const EXAMPLE = join(EXAMPLES, "call-centre")

/** More than the queues hold: lines wait for the handler. */
const EVENTS = 5_000
const QUEUE_MAX_LENGTH = "1000"

test("a day of a call centre is streamed in, handled in the order of each call, and summed up to what it was", async () => {
  await using folder = new ServiceFolder()
  const { stdout: day, stderr: totals } = await runCommand(
    ["node", join(EXAMPLE, "generate.mjs"), String(EVENTS)],
    folder.path,
  )
  folder.write("day.ndjson", day)
  const service = await folder.start({
    HANDLERS_DIR: join(EXAMPLE, "handlers"),
    SCHEMAS_DIR: join(EXAMPLES, "schemas"),
    QUEUE_MAX_LENGTH,
  })
  const environment = { EVENT_BROKER_URL: service.url }
  // Sent twice: what is delivered again is not counted again.
  for (const times of [1, 2]) {
    const published = await runCommand([BINARY, "publish", "day.ndjson"], folder.path, environment)
    expect([times, published.stdout, published.stderr]).toEqual([times, `${EVENTS} stored, 0 failed\n`, ""])
  }
  await waitUntil(async () => {
    const { body } = await service.get("/api/v1/events/stats")
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    const isIdle = metrics.includes("event_broker_deliveries_in_flight 0")
    const queues = body as readonly { readonly message_count: number }[]
    return isIdle && queues.every(({ message_count }) => message_count === 0)
  }, "all to be handled")
  const report = await runCommand([BINARY, "run", join(EXAMPLE, "report.ts")], folder.path, {
    BUN_BE_BUN: "1",
  })
  expect(report.stdout).toContain(totals.trim())
  expect(report.stdout).toContain("events out of the order of their call: 0")
}, 60_000)
