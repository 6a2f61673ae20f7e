/**
 * A process that takes events of RabbitMQ and settles none: arguments are where that is, as JSON, the type of
 * its queues, the queue and how many. Prints each delivery as a line of JSON, then waits to be killed.
 */
import { newEngine } from "./virtual-host.ts"

const [access = "", queueType = "", queue = "", count = "0"] = process.argv.slice(2)

newEngine(JSON.parse(access), queueType === "classic" ? "classic" : "quorum").consume(queue, {
  prefetch: Number(count),
  onDelivery: ({ body, attempt }) => process.stdout.write(`${JSON.stringify({ body, attempt })}\n`),
})
