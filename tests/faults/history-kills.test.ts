import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { wholeHistory } from "../support/whole-history.ts"

/** Kills of one run. The whole campaign has 200: `HISTORY_KILLS=200`. */
const KILLS = Number(process.env["HISTORY_KILLS"] ?? 10)

const TIMEOUT_MS = 60_000 + KILLS * 5_000
const CLIENTS = 8

/** Longest life of a process, in milliseconds. */
const MAX_LIFE_MS = 600

/** Publishes until the service is gone; adds each id that was answered 201. */
async function publishUntilGone(service: RunningService, answered: Set<string>): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      answered.add(await service.publish({ name: n % 4 === 0 ? "shaky" : "steady", payload: { n } }))
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("answered")) throw error
      return
    }
  }
}

test(
  "after kills at random moments, the history knows every event answered 201, and tells of no run that was not",
  async () => {
    await using folder = new ServiceFolder()
    const journal = folder.journal("event.id")
    folder.write(
      "handlers/noted.ts",
      `export default {
        queue: "custom_events", retry: { attempts: 20, backoff: { initial: 10, factor: 1 } },
        on: {
          async steady(event) { ${journal} },
          async shaky(event, ctx) { ${journal}; if (ctx.attempt === 1) throw new Error("the first time") },
        },
      }`,
    )
    const answered = new Set<string>()
    for (let kill = 0; kill < KILLS; kill++) {
      const service = await folder.start()
      const clients = Array.from({ length: CLIENTS }, () => publishUntilGone(service, answered))
      await Bun.sleep(Math.random() * MAX_LIFE_MS)
      await service.kill()
      await Promise.all(clients)
    }
    const last = await folder.start()
    let listed = await wholeHistory(last)
    await waitUntil(async () => {
      listed = await wholeHistory(last)
      return listed.every(({ status }) => status === "completed")
    }, "every event of the history to be handled")

    const runs = Map.groupBy(folder.journalLines(), (id) => id)
    const known = new Map(listed.map((event) => [event.id, event]))
    expect([...answered].filter((id) => !known.has(id))).toEqual([])
    // A run that a kill cut short has no fact. A fact without a run would be a lie.
    const invented = listed.filter(
      ({ id, queues }) => (queues[0]?.attempts ?? 0) > (runs.get(id)?.length ?? 0),
    )
    expect(invented).toEqual([])
    expect([...runs.keys()].filter((id) => !known.has(id))).toEqual([])
    expect(listed.length).toBe(known.size)
    expect(answered.size).toBeGreaterThan(KILLS)
  },
  TIMEOUT_MS,
)
