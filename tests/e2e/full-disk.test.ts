import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { LoopDisk } from "../support/loop-disk.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const CLIENTS = 32
const REFUSED_ENOUGH = 100
const TIMEOUT_MS = 120_000

/**
 * Slower than the clients; every third event fails first, and every seventh becomes a dead letter. Waits while there is
 * a file `hold`.
 */
const handler = (journal: string): string => `import { existsSync } from "node:fs"
const pause = () => new Promise((resolve) => setTimeout(resolve, 40))
export default {
  queue: "custom_events",
  retry: { attempts: 3, backoff: { initial: 50 } },
  on: {
    async counted(event, ctx) {
      do await pause()
      while (existsSync("hold"))
      if (event.payload.n % 3 === 0 && ctx.attempt === 1) throw new Error("x".repeat(1_000))
      ${journal}
      if (event.payload.n % 7 === 0) return ctx.deadLetter("for good")
    },
  },
}`

interface Answers {
  readonly stored: Set<string>
  readonly refusals: { readonly type: string; readonly outcome: string; readonly detail: string }[]
}

async function publishUntilRefused(service: RunningService, { stored, refusals }: Answers): Promise<void> {
  const text = "x".repeat(2_000)
  let n = 0
  const enough = refusals.length + REFUSED_ENOUGH
  const client = async (): Promise<void> => {
    while (refusals.length < enough) {
      const draft = { type: "custom", name: "counted", payload: { n: n++, text } }
      const response = await service.post("/api/v1/events", draft)
      const body = (await response.json()) as Answers["refusals"][number] & { readonly id: string }
      if (response.status === 201) stored.add(body.id)
      else refusals.push(body)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

test.each([8, 16])(
  "a volume of %d MiB, filled by publishes: everything answered 201 is handled, though the service is killed meanwhile",
  async (sizeMiB) => {
    using disk = LoopDisk.make({ sizeMiB })
    await using folder = new ServiceFolder()
    folder.write("handlers/counted.mjs", handler(folder.journal("event.id")))
    const environment = { DATA_DIR: disk.path }
    const first = await folder.start({ ...environment, WORKER_POOL_SIZE: "1" })
    const answers: Answers = { stored: new Set(), refusals: [] }
    await publishUntilRefused(first, answers)
    folder.write("hold", "")
    await publishUntilRefused(first, answers)
    expect(answers.refusals[0]).toMatchObject({
      type: "urn:event-broker:problem:engine-unavailable",
      outcome: "not-stored",
      detail: expect.stringContaining("the disk is nearly full"),
    })
    await waitUntil(async () => (await first.get("/health/ready")).status === 503, "the service to say so")
    expect((await first.get("/health")).body).toMatchObject({
      status: "unavailable",
      checks: { engine: { status: "degraded", detail: expect.stringMatching(/left, .* kept for settling/) } },
    })
    expect((await first.get("/health/live")).status).toBe(200)
    const metrics = await (await fetch(`${first.url}/metrics`)).text()
    expect(metrics).toContain("\nevent_broker_publishers_blocked 1\n")
    await first.kill()
    rmSync(join(folder.path, "hold"))

    const second = await folder.start(environment)
    const unhandled = () => answers.stored.difference(new Set(folder.journalLines()))
    await waitUntil(() => unhandled().size === 0, "everything to be handled", TIMEOUT_MS)
    await waitUntil(async () => (await second.get("/health/ready")).status === 200, "publishing to go on")
    const later = await second.publish({ name: "counted", payload: { n: 1 } })
    await waitUntil(() => folder.journalLines().includes(later), "an event of later to be handled")
    expect(await second.stop()).toBe(0)
    expect(second.log.filter(({ level }) => level === "error" || level === "fatal")).toEqual(
      second.log.filter(({ msg }) => msg === "event is now a dead letter"),
    )
  },
  TIMEOUT_MS,
)
