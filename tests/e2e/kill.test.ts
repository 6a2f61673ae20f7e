import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const PUBLISHES = 20_000
const CONNECTIONS = 64
const KILLED_AFTER = 8_000

/** Publishes until all are sent or the service is gone; adds each id that was answered 201. */
async function publishUntilGone(
  service: RunningService,
  next: () => number,
  answered: Set<string>,
): Promise<void> {
  for (let n = next(); n < PUBLISHES; n = next()) {
    try {
      answered.add(await service.publish({ name: "counted", payload: { n } }))
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("answered")) throw error
      return
    }
  }
}

test("every event answered 201 is handled, although the service is killed meanwhile", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/counted.ts",
    `export default { queue: "custom_events", on: { async counted(event) { ${folder.journal("event.id")} } } }`,
  )
  const first = await folder.start()
  const answered = new Set<string>()
  let sent = 0
  const clients = Array.from({ length: CONNECTIONS }, () => publishUntilGone(first, () => sent++, answered))
  await waitUntil(() => answered.size >= KILLED_AFTER, "enough publishes to be answered")
  await first.kill()
  await Promise.all(clients)
  expect(answered.size).toBeLessThan(PUBLISHES)

  const second = await folder.start()
  const left = PUBLISHES - answered.size
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, client) => {
      for (let n = client; n < left; n += CONNECTIONS) {
        answered.add(await second.publish({ name: "counted", payload: { n } }))
      }
    }),
  )
  expect(answered.size).toBe(PUBLISHES)
  const unhandled = (): Set<string> => answered.difference(new Set(folder.journalLines()))
  await waitUntil(() => unhandled().size === 0, "every answered event to be handled")
}, 120_000)
