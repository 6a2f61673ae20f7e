/**
 * A client in a process of its own that publishes single events at an even pace, whether or not earlier ones
 * were answered. Each payload has the time at which it was due, except in the first second. Arguments: URL,
 * events per second, seconds. Prints the number of events with a due time when all are answered.
 */
import { type Connection, connect } from "./connection.ts"
import { draft } from "./draft.ts"
import { machineTimeMs } from "./machine-time.ts"

const [url = "", rate = "100", seconds = "3"] = process.argv.slice(2)

const WARM_UP_MS = 1_000

/**
 * More than are ever used if the service keeps up. If all are in use, a due event waits, and the wait is
 * measured.
 */
const CONNECTIONS = 256

/** Shortest delay of a timer, in milliseconds; events due within it are sent together. */
const TICK_MS = 1

const idle: Connection[] = []
const waiting: string[] = []

function publish(body: string): void {
  const connection = idle.pop()
  if (connection === undefined) waiting.push(body)
  else connection.post("/api/v1/events", body)
}

for (let i = 0; i < CONNECTIONS; i++) {
  const connection = await connect(url, () => {
    idle.push(connection)
    const next = waiting.shift()
    if (next !== undefined) publish(next)
  })
  idle.push(connection)
}

const perMs = Number(rate) / 1_000
const warmUp = Math.round(WARM_UP_MS * perMs)
const total = warmUp + Math.round(Number(seconds) * Number(rate))
const start = performance.now()
for (let sent = 0; sent < total; ) {
  const due = Math.min(total, Math.floor((performance.now() - start) * perMs))
  const sent_at = machineTimeMs()
  for (; sent < due; sent++) publish(JSON.stringify(draft(sent < warmUp ? {} : { sent_at })))
  await Bun.sleep(TICK_MS)
}
while (idle.length < CONNECTIONS) await Bun.sleep(TICK_MS)
process.stdout.write(`${total - warmUp}\n`)
process.exit(0)
