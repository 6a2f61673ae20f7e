import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { WallClock } from "../support/wall-clock.ts"

const HOUR_S = 3_600
const TEST_TIMEOUT_MS = 60_000

const jumpsIn = ({ log }: RunningService) => log.filter(({ msg }) => msg.startsWith("the wall clock jumped"))

test.each([
  ["an hour back", -HOUR_S],
  ["25 hours forward", 25 * HOUR_S],
])(
  "a retry of 4 s comes, no event expires and no handler times out where the wall clock jumps %s",
  async (_, jumpS) => {
    await using folder = new ServiceFolder()
    folder.write(
      "handlers/calls.ts",
      `import { existsSync } from "node:fs"
       export default {
         queue: "custom_events",
         retry: { attempts: 2, backoff: { initial: 4000 } },
         timeout: 60_000,
         on: {
           retried(event, ctx) {
             ${folder.journal("'retried ' + ctx.attempt")}
             if (ctx.attempt === 1) throw new Error("not yet")
           },
           async runs() {
             ${folder.journal('"runs"')}
             while (!existsSync("go")) await Bun.sleep(10)
             ${folder.journal('"ran"')}
           },
         },
       }`,
    )
    const wallClock = new WallClock(folder.path)
    const service = await folder.start(wallClock.environment)
    await service.publish({ name: "retried" })
    await service.publish({ name: "runs" })
    // Nothing consumes it, so it waits for up to 24 hours.
    await service.publish({ id: "waits", type: "voice", name: "waits" })
    await waitUntil(() => folder.journalLines().length === 2, "the handlers to begin")

    wallClock.jumpTo(jumpS)
    await waitUntil(() => jumpsIn(service).length > 0, "the jump to be noticed")
    await service.publish({ id: "later", type: "voice", name: "waits" })
    const isKnown = async (id: string) => (await service.get(`/api/v1/events/${id}`)).status === 200
    await waitUntil(() => isKnown("later"), "the history to go on")
    await waitUntil(() => folder.journalLines().includes("retried 2"), "the retry")
    folder.write("go", "")
    await waitUntil(() => folder.journalLines().includes("ran"), "the handler to end")
    expect(await isKnown("waits")).toBe(true)
    const { body } = await service.get("/api/v1/dead-letters")
    const { queues } = body as { queues: readonly { dead_letter_count: number }[] }
    expect(queues.map(({ dead_letter_count }) => dead_letter_count)).toEqual(queues.map(() => 0))
    const jumps = jumpsIn(service)
    expect(jumps).toEqual([expect.objectContaining({ level: "warn" })])
    // To the second: the clocks are read one after the other.
    expect(Math.round(Number(jumps[0]?.["ms"]) / 1_000)).toBe(jumpS)
    expect(service.log.filter(({ msg }) => msg.includes("timeout"))).toEqual([])
    expect(await service.stop()).toBe(0)

    // Within the same boot, a restart does not bring the jump in either.
    const again = await folder.start(wallClock.environment)
    const stats = await again.get("/api/v1/dead-letters")
    expect(JSON.stringify(stats.body)).not.toMatch(/"dead_letter_count":[1-9]/)
    expect(await again.stop()).toBe(0)
  },
  TEST_TIMEOUT_MS,
)
