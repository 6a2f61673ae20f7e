/**
 * A process with a history that publishes to the queue `calls` and handles its events, until it is killed. Its argument is
 * the access to the broker, as JSON, and the folder of its journal, if it has one. Prints the id of each event when it is confirmed.
 */
import { newEvent } from "../new-event.ts"
import { queueDeclaration } from "../queue-declaration.ts"
import { waitUntil } from "../wait-until.ts"
import { newEngine } from "./virtual-host.ts"

const TURN_SIZE = 20

const [, , access = "", journalFolder] = process.argv
const engine = newEngine(JSON.parse(access), "quorum", { recordsFacts: true, journalFolder })
await engine.declareQueues([queueDeclaration("calls")])
await waitUntil(() => engine.status().state === "ready", "the engine to be ready")

engine.consume("calls", {
  prefetch: 10,
  onDelivery(delivery) {
    void delivery.ack({
      fact: "attempt",
      at: Date.now(),
      id: JSON.parse(delivery.body).id,
      queue: "calls",
      attempt: delivery.attempt,
      duration_ms: 1,
      outcome: "handled",
      module: "handlers/calls.ts",
      handler: "tested",
      generation: "1",
    })
  },
})

async function publishAndTell(): Promise<void> {
  const event = newEvent({ routing_key: "calls" })
  await engine.publish(event)
  process.stdout.write(`${event.id}\n`)
}

while (true) await Promise.all(Array.from({ length: TURN_SIZE }, publishAndTell))
