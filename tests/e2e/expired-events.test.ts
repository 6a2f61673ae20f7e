import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

test("events that expire or leave a full queue are counted by queue, and named in the log", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start({
    QUEUE_TTL: "3000",
    QUEUE_MAX_LENGTH: "2",
    QUEUE_OVERFLOW: "drop-head",
  })
  await Promise.all(["a", "b", "c"].map((name) => service.publish({ type: "voice", name })))
  const countOf = async (reason: string): Promise<number> => {
    const text = await (await fetch(`${service.url}/metrics`)).text()
    const labels = `queue="voice_events",reason="${reason}"`
    return Number(
      new RegExp(`^event_broker_dead_letters_unhandled_total{${labels}} (\\d+)`, "m").exec(text)?.[1],
    )
  }
  await waitUntil(async () => (await countOf("overflow")) === 1, "the oldest to make room")
  await waitUntil(async () => (await countOf("expired")) === 2, "the others to expire")
  const told = service.log.filter(({ msg }) => msg.endsWith("and are now dead letters"))
  expect(told).toMatchObject([
    {
      level: "warn",
      msg: "events left a full queue and are now dead letters",
      queue: "voice_events",
      events: 1,
    },
    { level: "warn", msg: "events expired in their queue and are now dead letters", queue: "voice_events" },
  ])
})
