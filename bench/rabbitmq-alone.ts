/**
 * The client library alone, in a process of its own: the limit to measure the service on RabbitMQ against.
 * Arguments: `publish` or `consume`, the port, and how many publishes, or unsettled deliveries, are in flight.
 * Prints events per second.
 */
import { AMQPClient } from "@cloudamqp/amqp-client"

const [what = "", port = "", inFlight = "64", seconds = "3"] = process.argv.slice(2)

const QUEUE = "voice_events"
const WARM_UP_MS = 2_000

const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${port}/?frameMax=65536`)
await client.connect()
const channel = await client.channel()
let done = 0

async function publish(): Promise<never> {
  while (true) {
    const event = {
      id: Bun.randomUUIDv7(),
      type: "voice",
      name: "speech_recognized",
      routing_key: "events.voice.speech_recognized",
      payload: { call_id: `c-${done}`, text: "hello there, how can I help you today?", confidence: 0.97 },
      priority: "high",
      metadata: { session: "s-42", language: "en" },
      timestamp: Date.now() / 1_000,
      status: "pending",
      retry_count: 0,
    }
    const properties = { messageId: event.id, contentType: "application/json", deliveryMode: 2, priority: 7 }
    await channel.basicPublish("events", event.routing_key, JSON.stringify(event), properties, true)
    done++
  }
}

if (what === "publish") {
  await channel.confirmSelect()
  for (let i = 0; i < Number(inFlight); i++) void publish()
} else {
  await channel.basicQos(Number(inFlight))
  await channel.basicConsume(QUEUE, { noAck: false }, (message) => {
    JSON.parse(message.bodyToString() ?? "")
    done++
    return message.ack()
  })
}
await Bun.sleep(WARM_UP_MS)
const before = done
const start = performance.now()
await Bun.sleep(Number(seconds) * 1_000)
process.stdout.write(`${Math.round(((done - before) / (performance.now() - start)) * 1_000)}\n`)
process.exit(0)
