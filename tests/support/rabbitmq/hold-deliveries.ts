/**
 * A process that takes events from RabbitMQ and settles none. Arguments: the broker as JSON, the queue type,
 * the queue, the number of events. Prints each delivery as a line of JSON, then waits to be killed.
 */
import { newEngine } from "./virtual-host.ts"

const [access = "", queueType = "", queue = "", count = "0"] = process.argv.slice(2)

newEngine(JSON.parse(access), queueType === "classic" ? "classic" : "quorum").consume(queue, {
  prefetch: Number(count),
  onDelivery: ({ body, attempt }) => process.stdout.write(`${JSON.stringify({ body, attempt })}\n`),
})
