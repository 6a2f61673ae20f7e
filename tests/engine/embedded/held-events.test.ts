import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { join } from "node:path"
import { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { FactFeed } from "../../../src/engine/embedded/fact-feed.ts"
import { DATABASE_FILE, openStore } from "../../../src/engine/embedded/store/database.ts"
import { FactStore } from "../../../src/engine/embedded/store/fact-store.ts"
import { backupStore } from "../../../src/engine/embedded/store/maintenance.ts"
import { StoredRuns } from "../../../src/engine/embedded/store/stored-runs.ts"
import { factsOf, KeepingFollower } from "../../support/fact-follower.ts"
import { deadLetterRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

const ROOMY = 1_000_000
const NOTHING_RECORDED = { through: 0, later: new StoredRuns() }

async function open({ path }: TemporaryFolder, maxFactBytes = ROOMY): Promise<EmbeddedEngine> {
  const engine = EmbeddedEngine.open({ dataDir: path, maxFactBytes })
  await engine.declareQueues(
    ["calls", "audit"].map((name) => queueDeclaration(name, { bindings: [name, "shared"] })),
  )
  return engine
}

function eventCount({ path }: TemporaryFolder): number {
  using database = new Database(join(path, DATABASE_FILE), { readonly: true })
  return database.query<{ count: number }, []>("SELECT count(*) AS count FROM events").get()?.count ?? 0
}

/** Lets an engine forget everything that a follower has. */
async function release(engine: EmbeddedEngine, folder: TemporaryFolder, left = 0): Promise<void> {
  using follower = new KeepingFollower(engine)
  const facts = factsOf(engine)
  await facts.delivered()
  facts.release(follower.position ?? "")
  await waitUntil(() => eventCount(folder) === left, `${left} events to be left`)
}

test("an event that is done stays in the store until the history has its publish, however it was done", async () => {
  using folder = temporaryFolder()
  const engine = await open(folder)
  const shared = newEvent({ routing_key: "shared" })
  const [handled, buried, purged] = [1, 2, 3].map(() => newEvent({ routing_key: "calls" }))
  for (const event of [shared, handled, buried]) if (event) await engine.publish(event)
  const inbox = new Inbox(engine, "calls", 3)
  const deliveries = await inbox.take(3)
  await deliveries[0]?.ack()
  await deliveries[1]?.ack()
  await deliveries[2]?.deadLetter(deadLetterRecord())
  await inbox.subscription.cancel()
  await (await new Inbox(engine, "audit").next()).ack()
  await engine.purgeDeadLetters("calls", {})
  if (purged) await engine.publish(purged)
  await engine.queueAdministration.purge("calls")
  expect(eventCount(folder)).toBe(4)
  using follower = new KeepingFollower(engine)
  await factsOf(engine).delivered()
  const published = follower.facts.flatMap((fact) => (fact.fact === "published" ? [fact.event] : []))
  expect(published).toEqual([shared, handled, buried, purged].flatMap((event) => event ?? []))
  follower[Symbol.dispose]()
  await release(engine, folder)
  await engine.close()
})

test("an event that waits stays when the history has its publish, and goes at once when it is done", async () => {
  using folder = temporaryFolder()
  const engine = await open(folder)
  await engine.publish(newEvent({ routing_key: "calls" }))
  await release(engine, folder, 1)
  await (await new Inbox(engine, "calls").next()).ack()
  expect(eventCount(folder)).toBe(0)
  await engine.close()
})

test("a store that was closed with done events deletes them once the history has them", async () => {
  using folder = temporaryFolder()
  const before = await open(folder)
  for (let count = 0; count < 5; count++) await before.publish(newEvent({ routing_key: "calls" }))
  for (const delivery of await new Inbox(before, "calls").take(3)) await delivery.ack()
  await before.close()
  expect(eventCount(folder)).toBe(5)
  const after = await open(folder)
  for (const delivery of await new Inbox(after, "calls").take(2)) await delivery.ack()
  expect(eventCount(folder)).toBe(5)
  await release(after, folder)
  await after.close()
})

test("a follower that goes on at the end of the facts lets done events go", async () => {
  using folder = temporaryFolder()
  const before = await open(folder)
  await before.publish(newEvent({ routing_key: "calls" }))
  await (await new Inbox(before, "calls").next()).ack()
  using follower = new KeepingFollower(before)
  await factsOf(before).delivered()
  await before.close()
  expect(eventCount(folder)).toBe(1)
  const after = await open(folder)
  using next = new KeepingFollower(after, follower.position)
  await waitUntil(() => eventCount(folder) === 0, "the event to be deleted")
  expect(next.facts).toEqual([])
  await after.close()
})

test("done events do not count as events of a backup", async () => {
  using folder = temporaryFolder()
  const engine = await open(folder)
  for (const routing_key of ["shared", "shared", "calls"]) await engine.publish(newEvent({ routing_key }))
  const [first, , third] = await new Inbox(engine, "calls").take(3)
  await first?.ack()
  await third?.deadLetter(deadLetterRecord())
  for (const delivery of await new Inbox(engine, "audit").take(2)) await delivery.ack()
  await engine.close()
  expect(eventCount(folder)).toBe(3)
  expect(backupStore(folder.path, join(folder.path, "copy.db"))).toMatchObject({ events: 2 })
})

test("many done events are deleted soon, also if nothing else is written", async () => {
  using folder = temporaryFolder()
  const engine = await open(folder, 100 * ROOMY)
  const facts = factsOf(engine)
  const inbox = new Inbox(engine, "calls")
  for (let round = 0; round < 500; round++) {
    await Promise.all(Array.from({ length: 20 }, () => engine.publish(newEvent({ routing_key: "calls" }))))
    const deliveries = await inbox.take(20)
    await Promise.all(deliveries.map((delivery) => delivery.ack()))
  }
  using follower = new KeepingFollower(engine)
  await facts.delivered()
  expect(eventCount(folder)).toBe(10_000)
  facts.release(follower.position ?? "")
  // In the turns that look for expired events, two in a second, this would take half a minute.
  await waitUntil(() => eventCount(folder) === 0, "all events to be deleted", 10_000)
  await engine.close()
})

test.each([
  ["ASCII", "x".repeat(1_000)],
  ["three bytes a character", "日".repeat(333)],
])(
  "facts beyond the bound go with the events that they hold, and the bytes of events count: %s",
  async (_, text) => {
    using folder = temporaryFolder()
    const engine = await open(folder, 20_000)
    const payload = { text }
    const inbox = new Inbox(engine, "calls")
    for (let count = 0; count < 100; count++) {
      await engine.publish(newEvent({ routing_key: "calls", payload }))
      await (await inbox.next()).ack()
    }
    expect(factsOf(engine).progress().dropped).toBeGreaterThan(50)
    expect(eventCount(folder)).toBeLessThan(25)
    await release(engine, folder)
    await engine.close()
  },
)

test("while facts are left out, no event is held: its room is needed", () => {
  using folder = temporaryFolder()
  using opened = openStore(folder.path)
  const facts = new FactStore(opened.database, ROOMY, opened.turn, NOTHING_RECORDED)
  facts.begin(true)
  expect(facts.isNeeded(257)).toBe(true)
  facts.begin(false)
  expect(facts.isNeeded(257)).toBe(false)
  facts.close()
})

test("facts that are left out, because the disk is nearly full, are counted and logged once their turn is written", () => {
  using folder = temporaryFolder()
  using opened = openStore(folder.path)
  const facts = new FactStore(opened.database, ROOMY, opened.turn, NOTHING_RECORDED)
  const told: unknown[] = []
  const feed = new FactFeed(
    facts,
    join(folder.path, DATABASE_FILE),
    () => Promise.reject(new Error("no turn is needed")),
    (...line) => told.push(line),
  )
  const turn = (isWritable: boolean, isWritten: boolean): void => {
    facts.begin(isWritable)
    facts.note({ fact: "replayed", at: 1, id: "a", queue: "calls", replay: "r" })
    facts.write(false)
    if (!isWritten) return
    facts.written()
    feed.confirmed()
  }
  turn(true, true)
  expect([feed.progress().dropped, told]).toEqual([0, []])
  turn(false, false)
  turn(false, true)
  turn(false, true)
  turn(true, true)
  expect(feed.progress().dropped).toBe(2)
  const line = "facts dropped, because the disk is nearly full: the history has a gap"
  // The other one follows within a minute.
  expect(told).toEqual([["warn", line, { batches: 1 }]])
  feed.close()
  facts.close()
})

test("facts that are left out or dropped are told by a fact of their own, also after a restart", () => {
  using folder = temporaryFolder()
  using opened = openStore(folder.path)
  const open = (maxLength = ROOMY) => new FactStore(opened.database, maxLength, opened.turn, NOTHING_RECORDED)
  const turn = (facts: FactStore, isWritable: boolean, isWritten = true): void => {
    const write = opened.database.transaction(() => {
      facts.begin(isWritable)
      facts.note({ fact: "replayed", at: 1, id: "a", queue: "calls", replay: "r" })
      facts.write(false)
      if (!isWritten) throw new Error("the disk is full")
    })
    if (!isWritten) expect(write).toThrow("the disk is full")
    else {
      write()
      facts.written()
    }
  }
  const batches = (facts: FactStore) =>
    facts
      .read(0, facts.newest)
      .map(({ text }) => text.split("\n").map((line) => readGap(line) ?? Object(JSON.parse(line)).fact))
  const [isLeftOut, isDropped] = ["the disk was nearly full", "the history did not take it"]
  const one = open()
  turn(one, true)
  // The mark of a turn that is not written is lost.
  turn(one, false, false)
  turn(one, false)
  turn(one, true)
  expect(batches(one)).toEqual([["replayed"], [[expect.any(Number), isLeftOut], "replayed"]])
  turn(one, false)
  expect(batches(one)).toHaveLength(3)
  one.release(one.newest)
  turn(one, false)
  // Otherwise turns would follow each other for as long as the mark is kept.
  expect(one.hasMore).toBe(false)
  one.close()
  const again = open()
  turn(again, true)
  turn(again, true)
  const told = batches(again)
  const mark = [expect.any(Number), isLeftOut]
  expect(told).toEqual([[mark], [mark, "replayed"], ["replayed"]])
  again.close()
  const small = open(1)
  turn(small, true)
  expect(small.dropped).toBe(3)
  turn(small, true)
  expect(batches(small).at(-1)).toEqual([[null, isDropped], "replayed"])
  small.close()
})

test("a mark of a gap that is damaged keeps no store from being opened", () => {
  using folder = temporaryFolder()
  using opened = openStore(folder.path)
  opened.database.run(`INSERT INTO facts (seq, length, token, text) VALUES (1, 1, 't', '{"fact":"gap"]')`)
  const facts = new FactStore(opened.database, ROOMY, opened.turn, NOTHING_RECORDED)
  expect(facts.newest).toBe(1)
  facts.close()
})

/** Returns since when facts are missing, and why; null if a line tells something else. */
function readGap(line: string): unknown {
  const { fact, since, reason } = Object(JSON.parse(line))
  return fact === "gap" ? [since, reason] : null
}
