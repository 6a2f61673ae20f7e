/**
 * A process that takes events and settles none. Arguments: the store's folder, the queue, the number of
 * events. Prints each delivery as a line of JSON, then waits to be killed.
 */
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"

const [dataDir = "", queue = "", count = "0"] = process.argv.slice(2)

EmbeddedEngine.open({ dataDir }).consume(queue, {
  prefetch: Number(count),
  onDelivery: ({ body, attempt }) => process.stdout.write(`${JSON.stringify({ body, attempt })}\n`),
})
