import { expect, test } from "bun:test"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { wholeHistory } from "../support/whole-history.ts"

const TIMEOUT_MS = 120_000

interface Shown {
  readonly status: string
  readonly caused_by: string | null
  readonly caused: readonly string[]
  readonly event: Readonly<Record<string, unknown>> | null
  readonly queues: readonly {
    readonly queue: string
    readonly state: string
    readonly attempts: number
    readonly timeline: readonly {
      readonly what: string
      readonly outcome?: string
      readonly reason?: string | null
      readonly error?: { readonly message: string } | null
      readonly attempt?: number
      readonly module?: string
      readonly replay?: string | null
      readonly log?: Readonly<Record<string, unknown>> | null
    }[]
  }[]
}

async function eventOf(service: RunningService, id: string): Promise<Shown> {
  const { status, body } = await service.get(`/api/v1/events/${encodeURIComponent(id)}`)
  expect(status).toBe(200)
  return body as Shown
}

const hasStatus = (service: RunningService, id: string, status: string) =>
  waitUntil(async () => (await eventOf(service, id)).status === status, `${id} to be ${status}`)

const timelineOf = ({ queues }: Shown) =>
  queues[0]?.timeline.map(({ what, outcome, attempt }) =>
    [what, outcome, attempt].filter((each) => each !== undefined).join(" "),
  )

test(
  "an attempt that writes to the log keeps its last lines, those of a batch together, and `events show` prints them",
  async () => {
    await using folder = new ServiceFolder()
    folder.write(
      "handlers/talkative.ts",
      `export default {
        queue: "custom_events", retry: { attempts: 2, backoff: { initial: 10, factor: 1 } },
        on: {
          told(event, ctx) {
            for (let line = 1; line <= 30; line++) console.log("line", line)
            ctx.log.debug("not at this level")
            if (ctx.attempt === 1) throw new Error("once more")
          },
          silent() {},
        },
      }`,
    )
    folder.write(
      "handlers/batches.ts",
      `export default {
        queue: "user_events", batch: { size: 2, wait: 5000 },
        on: { told(events, ctx) {
          console.log("together", events.length)
          const early = events.find(({ id }) => id === "b2")
          if (early !== undefined) ctx.deadLetter(early.id, "not this one")
          console.log("later\\n  2026-11-27 00:00:00.000  forged")
        } },
      }`,
    )
    const service = await folder.start()
    const told = await service.publish({ id: "told", name: "told" })
    const silent = await service.publish({ id: "silent", name: "silent" })
    await Promise.all(["b1", "b2"].map((id) => service.publish({ id, type: "user", name: "told" })))
    for (const id of [told, silent, "b1"]) await hasStatus(service, id, "completed")
    await hasStatus(service, "b2", "failed")
    const logs = async (id: string) => (await eventOf(service, id)).queues[0]?.timeline.map(({ log }) => log)
    const kept = Array.from({ length: 20 }, (_, place) => ({ level: "info", text: `line ${place + 11}` }))
    expect(await logs(told)).toMatchObject([
      undefined,
      { lines: kept, omitted: 10 },
      { lines: kept, omitted: 10 },
    ] as never)
    expect(await logs(silent)).toEqual([undefined, null])
    const together = { text: "together 2" }
    const later = { text: expect.stringContaining("forged") }
    expect(await logs("b1")).toMatchObject([undefined, { lines: [together, later] }] as never)
    // It was settled before the call ended.
    const lines = expect.arrayContaining([expect.objectContaining(together)])
    expect(await logs("b2")).toMatchObject([undefined, { lines }] as never)
    const { stdout } = await runCommand([BINARY, "events", "show", told, "--url", service.url], folder.path)
    expect(stdout).toContain("… 10 earlier lines left out")
    expect(stdout).toMatch(/info +line 30\n/)
    const batch = await runCommand([BINARY, "events", "show", "b1", "--url", service.url], folder.path)
    // No line of a text begins where those of the timeline do.
    expect(batch.stdout).toMatch(/^ {24} {2}2026-11-27 00:00:00\.000 {2}forged$/m)
  },
  TIMEOUT_MS,
)

test(
  "an event shows its attempts, why they failed, its redrive, and the event that it caused",
  async () => {
    await using folder = new ServiceFolder()
    folder.write(
      "handlers/flaky.ts",
      `export default {
        queue: "custom_events", retry: { attempts: 2, backoff: { initial: 10, factor: 1 } },
        on: {
          async heard(event, ctx) {
            if (ctx.attempt === 1) throw new TypeError("not yet")
            if (!(await Bun.file("repaired").exists())) throw new TypeError("broken")
            await ctx.publish({ type: "user", name: "told", payload: {} })
          },
        },
      }`,
    )
    const service = await folder.start()
    const id = await service.publish({ id: "e/1", name: "heard", payload: { call_id: "c-1" } })
    await hasStatus(service, id, "failed")
    const failed = await eventOf(service, id)
    expect(timelineOf(failed)).toEqual(["published", "attempt retry 1", "attempt dead-letter 2"])
    expect(failed.queues[0]?.timeline[2]).toMatchObject({
      reason: "attempts-exhausted",
      error: { message: "broken" },
      module: "flaky.ts",
    })
    folder.write("repaired", "")
    await service.post("/api/v1/dead-letters/custom_events/redrive", { ids: [id] })
    await hasStatus(service, id, "completed")
    const handled = await eventOf(service, id)
    expect(timelineOf(handled)?.slice(3)).toEqual(["redriven", "attempt retry 1", "attempt handled 2"])
    expect(handled.event).toMatchObject({ id, payload: { call_id: "c-1" } })
    const [caused = ""] = handled.caused
    expect(await eventOf(service, caused)).toMatchObject({ caused_by: id, status: "pending" })
    const children = await wholeHistory(service, `&caused_by=${encodeURIComponent(id)}`)
    expect(children.map((event) => event.id)).toEqual([caused])
  },
  TIMEOUT_MS,
)

test(
  "the history stays over a restart and a kill, and without its file the service goes on with a new one",
  async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/all.ts", `export default { queue: "custom_events", on: { async "*"() {} } }`)
    const first = await folder.start()
    const before = await first.publish({ name: "before" })
    await hasStatus(first, before, "completed")
    await first.stop()
    const second = await folder.start()
    const between = await second.publish({ name: "between" })
    await hasStatus(second, between, "completed")
    await second.kill()
    const third = await folder.start()
    expect((await wholeHistory(third)).map(({ id }) => id)).toEqual([between, before])
    await third.stop()
    for (const name of ["history.db", "history.db-wal", "history.db-shm"]) {
      await Bun.file(`${folder.path}/data/${name}`)
        .delete()
        .catch(() => {})
    }
    const fourth = await folder.start()
    const after = await fourth.publish({ name: "after" })
    await hasStatus(fourth, after, "completed")
    const ids = (await wholeHistory(fourth)).map(({ id }) => id)
    expect(ids).toContain(after)
    // The last facts can still be in the store.
    expect(ids).not.toContain(before)
  },
  TIMEOUT_MS,
)

test(
  "with HISTORY=off nothing is recorded, and the routes say so",
  async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start({ HISTORY: "off" })
    const id = await service.publish({ name: "heard" })
    for (const path of [
      "/api/v1/events",
      `/api/v1/events/${id}`,
      "/api/v1/replays",
      "/api/v1/events/outcomes",
    ]) {
      expect(await service.get(path)).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining("HISTORY") },
      })
    }
    expect(await Bun.file(`${folder.path}/data/history.db`).exists()).toBe(false)
  },
  TIMEOUT_MS,
)

test(
  "an event of which the history has a run and not the publish is unknown, because another queue may have it",
  async () => {
    await using folder = new ServiceFolder()
    const idle = `on: { tested() {} } }`
    const audit = `export default { queue: "audit", bind: ["events.custom.#"], ${idle}`
    folder.write("handlers/audit.ts", audit)
    const first = await folder.start()
    await first.stop()
    folder.remove("handlers/audit.ts")
    const off = await folder.start({ HISTORY: "off" })
    const id = await off.publish({ name: "tested" })
    await off.stop()
    folder.write("handlers/custom.ts", `export default { queue: "custom_events", ${idle}`)
    const on = await folder.start()
    await waitUntil(async () => (await on.get(`/api/v1/events/${id}`)).status === 200, "the run to be known")
    expect(await eventOf(on, id)).toMatchObject({
      status: "unknown",
      event: null,
      queues: [{ queue: "custom_events", state: "handled" }],
    })
    const listed = async (status: string) =>
      (await wholeHistory(on, `&status=${status}`)).map((each) => [each.id, each.status])
    expect(await listed("unknown")).toEqual([[id, "unknown"]])
    expect(await listed("completed")).toEqual([])
    await on.stop()
    folder.write("handlers/audit.ts", audit)
    const whole = await folder.start()
    await waitUntil(async () => (await eventOf(whole, id)).queues.length === 2, "the other run to be known")
    expect(await eventOf(whole, id)).toMatchObject({ status: "unknown" })
  },
  TIMEOUT_MS,
)
