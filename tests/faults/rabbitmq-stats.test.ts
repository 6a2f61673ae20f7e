import { expect, test } from "bun:test"
import { countingFolder, isReady } from "../support/counting-service.ts"
import { atRest, held } from "../support/rabbitmq/held.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import type { RunningService } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const MANY = 3_000

onEveryBroker((node) => {
  const environment = () => ({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node().port) })

  test(
    "thousands of concurrent requests for queue depths are all answered, and leave no channel behind",
    async () => {
      await using folder = countingFolder()
      const service = await folder.start(environment())
      await waitUntil(() => isReady(service), "the service to be ready")
      const before = await atRest(() => held(node()))
      const paths = ["/api/v1/events/stats", "/api/v1/dead-letters", "/metrics"]
      const statuses = await Promise.all(
        Array.from({ length: MANY }, async (_, index) => {
          const response = await fetch(service.url + paths[index % paths.length])
          await response.arrayBuffer()
          return response.status
        }),
      )
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(statuses).toHaveLength(MANY)
      await waitUntil(async () => Bun.deepEquals(await held(node()), before), "as many channels as before")
    },
    TIMEOUT_MS,
  )

  test(
    "deleting unconsumed queues hides no figures of others, and publishes are answered 201",
    async () => {
      await using folder = countingFolder()
      const service = await folder.start(environment())
      await waitUntil(() => isReady(service), "the service to be ready")
      await node().manage("DELETE", "queues/%2F/voice_events")
      await node().manage("DELETE", "queues/%2F/dead.user_events")
      await waitUntil(async () => {
        await depthsOf(service)
        const names = (await node().control("list_queues", "name")).split("\n")
        return ["voice_events", "dead.user_events"].every((name) => names.includes(name))
      }, "the queues to be declared again")
      expect(await depthsOf(service)).toEqual(new Array(5).fill(0))
      const counts = await service.get("/api/v1/dead-letters")
      expect(counts.status).toBe(200)
      expect(counts.body).toMatchObject({ queues: { length: 5 } })
      expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(
        /\nevent_broker_deliveries_held 0\n[\s\S]*\nevent_broker_queue_messages\{queue="voice_events"\} 0\n/,
      )
      await node().manage("DELETE", "queues/%2F/voice_events")
      await node().manage("DELETE", "queues/%2F/dead.voice_events")
      const response = await service.post("/api/v1/events", { type: "voice", name: "heard", payload: {} })
      expect(response.status).toBe(201)
      expect((await service.get("/api/v1/dead-letters/voice_events")).body).toMatchObject({ count: 0 })
      await waitUntil(async () => (await depthsOf(service)).includes(1), "the event to be counted")
      expect(await service.get("/health")).toMatchObject({
        status: 200,
        body: { checks: { engine: { status: "up" } } },
      })
    },
    TIMEOUT_MS,
  )
})

async function depthsOf(service: RunningService): Promise<readonly number[]> {
  const { body } = await service.get("/api/v1/events/stats")
  return (body as readonly { readonly message_count: number }[]).map(({ message_count }) => message_count)
}
