import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"

/** The interval between messages that go nowhere, in milliseconds: readiness shows an alarm within seconds. */
const INTERVAL_MS = 2_000

/** The name of no queue, among those that this service keeps for itself. */
const NOWHERE = "event-broker.alarm-probe"

/** If a queue of that name exists after all, it keeps nothing: a message that expires at once is not stored. */
const PROPERTIES = { deliveryMode: 1, expiration: "0" }

/**
 * Notices a memory or disk alarm on a connection on which nobody publishes. RabbitMQ sends `connection.blocked` only once
 * the connection publishes after the alarm began. Therefore an empty message goes to the default exchange with the name of
 * no queue, and RabbitMQ drops it. A user who may not write there learns of an alarm with the first publish.
 *
 * The probe has its own channel, which RabbitMQ may close, and ends with the connection.
 */
export async function probeForAlarms(client: AMQPClient, intervalMs = INTERVAL_MS): Promise<void> {
  const channel = await client.channel()
  // Without confirms the library would reuse a message's buffer before the socket has written it.
  await channel.confirmSelect()
  let isProbing = false
  const probe = async (): Promise<void> => {
    isProbing = true
    await publish(channel)
    isProbing = false
  }
  const timer = setInterval(() => {
    if (channel.closed || client.closed) clearInterval(timer)
    else if (client.blocked === undefined && !isProbing) void probe()
  }, intervalMs)
  // Otherwise the library writes to the console why RabbitMQ closed the channel.
  channel.onerror = () => clearInterval(timer)
  void probe()
}

async function publish(channel: AMQPChannel): Promise<void> {
  try {
    await channel.basicPublish("", NOWHERE, "", PROPERTIES)
  } catch {
    // The channel is closed, or RabbitMQ has just blocked the connection: the next turn sees which.
  }
}
