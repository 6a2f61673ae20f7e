/**
 * A process that publishes to the queue `calls` until it is killed. Its argument is the store's folder.
 * Prints the id of each event when it is confirmed.
 */
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { newEvent } from "./new-event.ts"
import { queueDeclaration } from "./queue-declaration.ts"

const TURN_SIZE = 20

const engine = EmbeddedEngine.open({ dataDir: process.argv[2] ?? "" })
await engine.declareQueues([queueDeclaration("calls")])

async function publishAndTell(): Promise<void> {
  const event = newEvent({ routing_key: "calls" })
  await engine.publish(event)
  process.stdout.write(`${event.id}\n`)
}

while (true) await Promise.all(Array.from({ length: TURN_SIZE }, publishAndTell))
