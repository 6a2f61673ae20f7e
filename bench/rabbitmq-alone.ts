/**
 * The client library alone in a process of its own: the limit to compare the service on RabbitMQ with.
 * Arguments: `publish` or `consume`, the port, and the number of publishes or unsettled deliveries in flight.
 * Prints events published per second; `consume` continues until it is ended.
 */
import { AMQPClient } from "@cloudamqp/amqp-client"
import { recognisedSpeech } from "./recognised-speech.ts"

const [what = "", port = "", inFlight = "64", seconds = "3"] = process.argv.slice(2)

const QUEUE = "voice_events"
const WARM_UP_MS = 2_000

const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${port}/?frameMax=65536`)
await client.connect()
const channel = await client.channel()
let done = 0

async function publish(): Promise<never> {
  while (true) {
    const event = recognisedSpeech()
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
    return message.ack()
  })
  await new Promise(() => {})
}
await Bun.sleep(WARM_UP_MS)
const before = done
const start = performance.now()
await Bun.sleep(Number(seconds) * 1_000)
process.stdout.write(`${Math.round(((done - before) / (performance.now() - start)) * 1_000)}\n`)
process.exit(0)
