/**
 * An engine on RabbitMQ in a process of its own, with or without the history. Arguments: `publish` or `consume`, the port,
 * `on` or `off`, how many publishes or deliveries are in flight, and for a publish the seconds. Publishing prints events
 * per second; consuming ends with its parent.
 */

import { queueDeclaration } from "../tests/support/queue-declaration.ts"
import { accessTo, newEngine } from "../tests/support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../tests/support/wait-until.ts"
import { recognisedSpeech } from "./recognised-speech.ts"

const [what, port = "", history, inFlight = "64", seconds = "3"] = process.argv.slice(2)
const QUEUE = "voice_events"
const WARM_UP_MS = 1_000

const engine = newEngine(accessTo({ port: Number(port) }, "/"), "quorum", { recordsFacts: history === "on" })
await engine.declareQueues([
  queueDeclaration(QUEUE, { bindings: ["events.voice.#"], maxLength: 100_000_000 }),
])
await waitUntil(() => engine.status().state === "ready", "the engine to be ready")

if (what === "publish") {
  let published = 0
  const publishForEver = async (): Promise<never> => {
    while (true) {
      await engine.publish(recognisedSpeech())
      published++
    }
  }
  for (let each = 0; each < Number(inFlight); each++) void publishForEver()
  await Bun.sleep(WARM_UP_MS)
  const before = published
  const startedAt = performance.now()
  await Bun.sleep(Number(seconds) * 1_000)
  process.stdout.write(`${Math.round(((published - before) / (performance.now() - startedAt)) * 1_000)}\n`)
  process.exit(0)
}

engine.consume(QUEUE, {
  prefetch: Number(inFlight),
  onDelivery(delivery) {
    const { id } = JSON.parse(delivery.body)
    void delivery.ack(
      history === "off"
        ? undefined
        : {
            fact: "attempt",
            at: Date.now(),
            id,
            queue: QUEUE,
            attempt: delivery.attempt,
            duration_ms: 1,
            outcome: "handled",
            module: "handlers/voice.ts",
            handler: "speech_recognized",
            generation: "1",
          },
    )
  },
})
