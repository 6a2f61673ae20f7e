import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"

/** How often a message is sent that goes nowhere, in milliseconds: readiness tells of an alarm within seconds. */
const INTERVAL_MS = 2_000

/** The name of no queue, among those that this service keeps for itself. */
const NOWHERE = "event-broker.alarm-probe"

/** Should there be a queue of that name after all, it keeps nothing: a message that expires at once is not stored. */
const PROPERTIES = { deliveryMode: 1, expiration: "0" }

/**
 * Notices an alarm of memory or disk on a connection that nobody publishes on. RabbitMQ says `connection.blocked` only once
 * the connection publishes after the alarm began. So an empty message goes to the default exchange with the name of no
 * queue, and RabbitMQ drops it. A user who may not write there is not told of alarms before the first publish.
 *
 * It has a channel of its own, which RabbitMQ may close, and ends with the connection.
 */
export async function probeForAlarms(client: AMQPClient): Promise<void> {
  const channel = await client.channel()
  const timer = setInterval(() => {
    if (channel.closed || client.closed) clearInterval(timer)
    else if (client.blocked === undefined) void probe(channel)
  }, INTERVAL_MS)
  // The library would write to the console why RabbitMQ closed the channel.
  channel.onerror = () => clearInterval(timer)
  await probe(channel)
}

async function probe(channel: AMQPChannel): Promise<void> {
  try {
    await channel.basicPublish("", NOWHERE, "", PROPERTIES)
  } catch {
    // The channel is closed, or RabbitMQ has just blocked the connection: the next turn sees which.
  }
}
