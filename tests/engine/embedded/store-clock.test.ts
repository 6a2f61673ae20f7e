import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { ClockMarkStore } from "../../../src/engine/embedded/store/clock-mark.ts"
import { DATABASE_FILE, openStore } from "../../../src/engine/embedded/store/database.ts"
import { StoreClock } from "../../../src/engine/embedded/store/store-clock.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { failureRecord } from "../../support/failure-record.ts"
import { FakeTime } from "../../support/fake-time.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const JUMPS = [
  ["an hour back", -HOUR_MS],
  ["25 hours forward", 25 * HOUR_MS],
] as const

/** Runs with a store clock in a folder; its reports are added to `reports`. */
function withClock<Result>(
  dataDir: string,
  time: FakeTime,
  reports: unknown[],
  use: (clock: StoreClock) => Result,
): Result {
  using store = openStore(dataDir)
  const report = (level: string, message: string, { ms }: Readonly<Record<string, unknown>>) =>
    reports.push({ level, message, ms })
  const clock = new StoreClock(new ClockMarkStore(store.database), report, time)
  try {
    return use(clock)
  } finally {
    clock.close()
  }
}

describe("the store's clock", () => {
  test.each(JUMPS)("keeps its pace when the wall clock jumps %s, and reports the jump once", (_, jumpMs) => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    const reports: unknown[] = []
    withClock(folder.path, time, reports, (clock) => {
      const begun = clock.now()
      time.pass(SECOND_MS)
      time.jump(jumpMs)
      for (let i = 0; i < 3; i++) clock.check()
      time.pass(SECOND_MS)
      clock.check()
      expect(clock.now() - begun).toBe(2 * SECOND_MS)
      expect(clock.wallNow()).toBe(time.wall())
    })
    const message = "the wall clock jumped; delays and expiry are not affected"
    expect(reports).toEqual([{ level: "warn", message, ms: jumpMs }])
  })

  test("reports small steps of the wall clock when they add up", () => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    const reports: unknown[] = []
    withClock(folder.path, time, reports, (clock) => {
      for (let i = 0; i < 3; i++) {
        time.jump(400)
        time.pass(HOUR_MS)
        clock.check()
      }
    })
    expect(reports).toEqual([expect.objectContaining({ level: "warn", ms: 1_200 })])
  })

  test("includes the time of a suspend, which is not a jump", () => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    const reports: unknown[] = []
    withClock(folder.path, time, reports, (clock) => {
      const begun = clock.now()
      time.pass(SECOND_MS)
      time.suspend(8 * HOUR_MS)
      for (let i = 0; i < 3; i++) clock.check()
      time.pass(SECOND_MS)
      expect(clock.now() - begun).toBe(8 * HOUR_MS + 2 * SECOND_MS)
    })
    const message = "the machine was suspended; delays continued meanwhile"
    expect(reports).toEqual([{ level: "info", message, ms: 8 * HOUR_MS }])
  })

  test.each(JUMPS)(
    "continues with the boot clock if the wall clock jumped %s while it was down",
    (_, jumpMs) => {
      using folder = temporaryFolder()
      const time = new FakeTime()
      const reports: unknown[] = []
      const begun = withClock(folder.path, time, reports, (clock) => clock.now())
      time.jump(jumpMs)
      time.pass(3 * SECOND_MS)
      expect(withClock(folder.path, time, reports, (clock) => clock.now()) - begun).toBe(3 * SECOND_MS)
      expect(reports).toEqual([expect.objectContaining({ level: "warn", ms: jumpMs })])
    },
  )

  test("advances as much as the wall clock did while the machine was off", () => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    const reports: unknown[] = []
    const begun = withClock(folder.path, time, reports, (clock) => {
      time.jump(25 * HOUR_MS)
      clock.check()
      return clock.now()
    })
    time.reboot(HOUR_MS)
    expect(withClock(folder.path, time, reports, (clock) => clock.now()) - begun).toBe(HOUR_MS)
    expect(reports).toEqual([expect.objectContaining({ level: "warn", ms: 25 * HOUR_MS })])
  })

  test("does not go back if the wall clock is behind after a reboot, and reports it", () => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    const reports: unknown[] = []
    const begun = withClock(folder.path, time, reports, (clock) => clock.now())
    time.reboot(-HOUR_MS)
    expect(withClock(folder.path, time, reports, (clock) => clock.now())).toBe(begun)
    const message = "the wall clock is behind the time when the store was last used"
    expect(reports).toEqual([{ level: "warn", message, ms: HOUR_MS }])
  })

  test("starts as the wall clock if its stored mark is damaged", () => {
    using folder = temporaryFolder()
    const time = new FakeTime()
    withClock(folder.path, time, [], (clock) => clock.now())
    using database = new Database(join(folder.path, DATABASE_FILE))
    database.run("UPDATE clock SET store_time = store_time | (1 << 45)")
    database.close()
    expect(withClock(folder.path, time, [], (clock) => clock.now())).toBe(time.wall())
  })
})

describe("a waiting event", () => {
  test.each(JUMPS)(
    "neither expires nor waits longer for its retry if the wall clock jumps %s, and a restart does not apply the jump",
    async (_, jumpMs) => {
      await using store = new EmbeddedStore()
      const time = new FakeTime()
      const open = () => store.open({ time })
      const engine = open()
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: 24 * HOUR_MS })])
      await engine.publish(newEvent({ routing_key: "calls", name: "retried" }))
      const inbox = new Inbox(engine, "calls")
      const first = await inbox.next()
      await first.retry(4 * SECOND_MS, failureRecord())
      await inbox.subscription.cancel()
      await engine.publish(newEvent({ routing_key: "calls", name: "waits" }))
      time.jump(jumpMs)
      await engine.close()

      const reopened = open()
      time.jump(jumpMs)
      time.pass(4 * SECOND_MS)
      const deliveries = await new Inbox(reopened, "calls").take(2)
      expect([...namesOf(deliveries)].toSorted()).toEqual(["retried", "waits"])
      expect(await statsOf(reopened, "calls")).toMatchObject({ deadLetterCount: 0 })
    },
  )

  test("expires when its time has passed, and its dead letter has the wall clock's time", async () => {
    await using store = new EmbeddedStore()
    const time = new FakeTime()
    const engine = store.open({ time })
    await engine.declareQueues([queueDeclaration("calls", { ttlMs: HOUR_MS })])
    await engine.publish(newEvent({ routing_key: "calls" }))
    time.jump(-24 * HOUR_MS)
    time.pass(HOUR_MS)
    await engine.publish(newEvent({ routing_key: "calls", name: "fresh" }))
    expect(namesOf([await new Inbox(engine, "calls").next()])).toEqual(["fresh"])
    const [dead] = await deadLettersOf(engine, "calls", {})
    expect(dead?.failure).toMatchObject({ reason: "expired", lastFailedAt: time.wall() })
  })
})
