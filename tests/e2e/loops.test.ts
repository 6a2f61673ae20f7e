import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 60_000

const MAX_LENGTH = 30

/** Events that five workers have at a time. */
const IN_FLIGHT = 50

const PUBLISHES = "event_broker_publish_duration_seconds_count"

const metricsOf = async (service: RunningService): Promise<string> =>
  (await fetch(`${service.url}/metrics`)).text()

/** Returns the sum of a counter over all label sets that contain the text. */
function sumOf(metrics: string, counter: string, label: string): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith(`${counter}{`) && line.includes(label))
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)
}

/** Returns the events in the queue, without those that the service has taken out for its workers. */
async function queued(service: RunningService): Promise<number> {
  const queues = (await service.get("/api/v1/events/stats")).body as readonly {
    readonly queue_name: string
    readonly message_count: number
  }[]
  return queues.find(({ queue_name }) => queue_name === "custom_events")?.message_count ?? 0
}

async function isOver(service: RunningService): Promise<boolean> {
  // Of one moment: between two answers, more events are handled.
  const metrics = await metricsOf(service)
  const stored = sumOf(metrics, PUBLISHES, 'outcome="stored"')
  const handled = sumOf(metrics, "event_broker_deliveries_total", 'outcome="ack"')
  const dead = sumOf(metrics, "event_broker_deliveries_total", 'outcome="dead-letter"')
  return stored > 0 && stored === handled + dead
}

test(
  "a loop that publishes two of each event ends on a full queue, which holds no more than its limit and what its workers had",
  async () => {
    await using folder = new ServiceFolder()
    const publish = 'ctx.publish({ type: "custom", name: "ping", payload: {} })'
    folder.write(
      "handlers/looping.ts",
      `export default { queue: "custom_events", retry: { attempts: 2, backoff: { initial: 10 } }, on: {
        async ping(event, ctx) { await Promise.all([${publish}, ${publish}]) },
      } }`,
    )
    const service = await folder.start({ MAX_HOPS: "8", QUEUE_MAX_LENGTH: String(MAX_LENGTH) })
    await service.publish({ name: "ping" })
    let longest = 0
    await waitUntil(async () => {
      longest = Math.max(longest, await queued(service))
      return isOver(service)
    }, "the end of every event")
    const { body } = await service.get("/api/v1/dead-letters/custom_events?limit=1000")
    const { dead_letters } = body as { readonly dead_letters: readonly { readonly reason: string }[] }
    const reasons = new Set(dead_letters.map(({ reason }) => reason))
    expect([...reasons].toSorted()).toEqual(["attempts-exhausted", "loop-suspected"])
    // An event that fails comes back for its retry, also to a full queue.
    expect(longest).toBeLessThanOrEqual(MAX_LENGTH + IN_FLIGHT)
    expect(sumOf(await metricsOf(service), PUBLISHES, 'outcome="queue-full"')).toBeGreaterThan(0)
  },
  TIMEOUT_MS,
)
