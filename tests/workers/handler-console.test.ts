import { expect, test } from "bun:test"
import { RunningPool } from "../support/running-pool.ts"
import { waitUntil } from "../support/wait-until.ts"

/** The numbers of pino's levels. */
const [DEBUG, INFO, WARN, ERROR] = [20, 30, 40, 50]

test("console lines of a handler appear in the log, with its event", async () => {
  await using running = await RunningPool.start(
    "async tested() { console.log('heard %s', 'hello', { call: 7 }); await Bun.sleep(1); console.log('later') }",
  )
  await running.run("tested", { eventId: "e-1", attempt: 2 })
  const about = { level: INFO, event_id: "e-1", queue: "custom_events", module: "tested.ts", attempt: 2 }
  expect(running.log).toContainEqual(expect.objectContaining({ ...about, msg: "heard hello { call: 7 }" }))
  expect(running.log).toContainEqual(expect.objectContaining({ ...about, msg: "later" }))
})

test("two handlers that run at a time write with their own events", async () => {
  await using running = await RunningPool.start(
    "async first() { await until('go'); console.log('of first') }, second() { console.log('of second'); mark('go') }",
  )
  await Promise.all([running.run("first", { eventId: "e-1" }), running.run("second", { eventId: "e-2" })])
  expect(running.log).toContainEqual(expect.objectContaining({ event_id: "e-1", msg: "of first" }))
  expect(running.log).toContainEqual(expect.objectContaining({ event_id: "e-2", msg: "of second" }))
})

test("the methods of the console map to the levels of the log", async () => {
  await using running = await RunningPool.start(
    `tested() {
      for (const level of ["debug", "info", "warn", "error"]) console[level]("at " + level)
      console.assert(false, "at assert")
      console.table([{ a: 1 }])
      process.stdout.write("at stdout\\n")
      process.stderr.write(new TextEncoder().encode("at stderr"))
    }`,
  )
  await running.run("tested")
  const levels = running.log.map(({ level, msg }) => [String(msg).split("\n")[0], level])
  expect(levels).toEqual([
    ["at debug", DEBUG],
    ["at info", INFO],
    ["at warn", WARN],
    ["at error", ERROR],
    ["Assertion failed: at assert", ERROR],
    [expect.stringContaining("┌"), INFO],
    ["at stdout", INFO],
    ["at stderr", WARN],
  ])
})

test("console lines outside of events appear in the log without an event", async () => {
  await using running = await RunningPool.start(
    "quick() {}, async tested() { setTimeout(() => { console.log('too late'); mark('late') }, 1) }, ...(console.log('loading'), {})",
  )
  expect(running.log).toContainEqual(expect.objectContaining({ level: INFO, msg: "loading" }))
  await running.run("tested", { eventId: "e-1" })
  await running.reached("late")
  await running.run("quick")
  expect(running.log).toContainEqual(expect.objectContaining({ level: INFO, msg: "too late" }))
})

test("a long text is shortened, and long fields are left out", async () => {
  await using running = await RunningPool.start(
    "tested(_, ctx) { console.log('x'.repeat(1e6)); ctx.log.info('fields', { text: 'y'.repeat(1e6) }) }",
  )
  await running.run("tested")
  const [text, fields] = running.log
  expect(String(text?.["msg"])).toEndWith("x… and 983616 more characters")
  expect(fields).toMatchObject({
    msg: "fields",
    fields: { fields: "can't be shown: 1000011 characters of JSON" },
  })
})

test("lines beyond those that the service takes in one turn are dropped, counted and logged", async () => {
  await using running = await RunningPool.start(
    "tested() { for (let n = 0; n < 20000; n++) console.log(n, 'x'.repeat(995)) }, quick() { console.log('after') }",
  )
  await running.run("tested")
  await running.run("quick")
  await waitUntil(() => running.log.some(({ msg }) => msg === "after"), "the line after")
  const lines = running.log.filter(({ msg }) => String(msg).endsWith("x"))
  const dropped = running.log
    .map(({ lines: count }) => Number(count ?? 0))
    .reduce((sum, count) => sum + count, 0)
  expect(lines.length).toBeGreaterThan(900)
  expect(dropped).toBe(20_000 - lines.length)
  expect(running.pool.droppedLogLines).toBe(dropped)
})
