import type { RabbitMqNode } from "./node.ts"

/** Asked at once, because each start of RabbitMQ's control program takes a second of CPU time. */
const COUNTS = [
  "length(rabbit_networking:connections())",
  "length(rabbit_channel:list())",
  'length(rabbit_amqqueue:consumers_all(<<"/">>))',
]

/** Returns the broker's counts of connections, channels and consumers. */
export async function held(node: RabbitMqNode): Promise<readonly number[]> {
  const printed = await node.control("eval", `{${COUNTS.join(", ")}}.`)
  return (printed.match(/\d+/g) ?? []).map(Number)
}
