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

const LOOKS = 3
const INTERVAL_MS = 300

/** Returns the least of several counts: a look at the queues uses a channel for a moment. */
export async function atRest(count: () => Promise<readonly number[]>): Promise<readonly number[]> {
  let least = await count()
  for (let look = 1; look < LOOKS; look++) {
    await Bun.sleep(INTERVAL_MS)
    const counted = await count()
    least = least.map((each, at) => Math.min(each, counted[at] ?? each))
  }
  return least
}
