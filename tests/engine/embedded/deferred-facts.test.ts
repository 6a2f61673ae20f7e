import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { cpSync } from "node:fs"
import { join } from "node:path"
import type { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import type { Engine } from "../../../src/engine/engine.ts"
import type { Event } from "../../../src/event/envelope.ts"
import type { HistoryFact } from "../../../src/event/history-fact.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { factsOf, KeepingFollower } from "../../support/fact-follower.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

const RECORDED = { maxFactBytes: 1_000_000 }

async function open(
  store: EmbeddedStore,
  options: { maxFactBytes?: number } = RECORDED,
): Promise<EmbeddedEngine> {
  const engine = store.open(options)
  await engine.declareQueues(
    ["calls", "audit"].map((name) => queueDeclaration(name, { bindings: [name, "shared"] })),
  )
  return engine
}

/** Publishes events in a turn of each. Returns them. */
async function publish(engine: Engine, count: number, routing_key = "calls") {
  const events = Array.from({ length: count }, () => newEvent({ routing_key }))
  for (const event of events) await engine.publish(event)
  return events
}

/** The store as a process leaves it that is killed now. */
function killed({ dataDir }: EmbeddedStore): EmbeddedStore {
  const folder = temporaryFolder()
  cpSync(dataDir, folder.path, { recursive: true })
  return new EmbeddedStore(folder)
}

async function allFacts(engine: Engine): Promise<readonly HistoryFact[]> {
  using follower = new KeepingFollower(engine)
  await factsOf(engine).delivered()
  return follower.facts
}

const told = (facts: readonly HistoryFact[]) =>
  facts.map((fact) => (fact.fact === "published" ? [fact.event, fact.queues] : fact.fact))

const rowCount = ({ dataDir }: EmbeddedStore): number => {
  using database = new Database(join(dataDir, DATABASE_FILE), { readonly: true })
  return database.query<{ count: number }, []>("SELECT count(*) AS count FROM facts").get()?.count ?? 0
}

/** Publishes until some events share a row: on a slow disk, turns can be too far apart for that. */
async function publishMany(engine: Engine, store: EmbeddedStore): Promise<readonly Event[]> {
  const events: Event[] = []
  do events.push(...(await publish(engine, 20)))
  while (rowCount(store) >= events.length && events.length < 10_000)
  expect(rowCount(store)).toBeLessThan(events.length)
  return events
}

const onCalls = (events: readonly Event[]) => events.map((event) => [event, ["calls"]])

test("turns that only publish share a row of facts, and a question for the facts gets all of them", async () => {
  await using store = new EmbeddedStore()
  const engine = await open(store)
  const events = await publishMany(engine, store)
  expect(told(await allFacts(engine))).toEqual(onCalls(events))
})

test("what no row tells of is told soon, also if nothing else is written", async () => {
  await using store = new EmbeddedStore()
  const engine = await open(store)
  using follower = new KeepingFollower(engine)
  await publish(engine, 20)
  await waitUntil(() => follower.facts.length === 20, "all facts")
})

test("the publication of an event is told before its end, in the order of all publishes", async () => {
  await using store = new EmbeddedStore()
  const engine = await open(store)
  const events = await publish(engine, 10)
  await engine.queueAdministration.purge("calls")
  const later = await publish(engine, 10)
  expect(told(await allFacts(engine))).toEqual([...onCalls(events), "purged", ...onCalls(later)])
})

test("after a kill, the next process tells what no row told of, once", async () => {
  await using store = new EmbeddedStore()
  const engine = await open(store)
  const events = await publishMany(engine, store)
  const shared = await publish(engine, 20, "shared")
  await using left = killed(store)
  const after = await open(left)
  const later = await publish(after, 5)
  const facts = await allFacts(after)
  expect(told(facts)).toEqual([
    ...onCalls(events),
    ...shared.map((event) => [event, ["calls", "audit"]]),
    ...onCalls(later),
  ])
  for (const { at } of facts) expect(Math.abs(at - Date.now())).toBeLessThan(60_000)
  await left.close()
  expect(await allFacts(await open(left))).toHaveLength(facts.length)
})

test("after a kill, a process without a history keeps what no row told of for the next one that has one", async () => {
  await using store = new EmbeddedStore()
  const events = await publish(await open(store), 20)
  await using left = killed(store)
  await publish(await open(left, {}), 5)
  await left.close()
  const after = await open(left)
  const later = await publish(after, 5)
  const facts: readonly unknown[] = told(await allFacts(after))
  expect(facts.filter((fact) => fact !== "gap")).toEqual(onCalls([...events, ...later]))
  expect(facts).toContain("gap")
})

test("numbers of events that are used again are told again", async () => {
  await using store = new EmbeddedStore()
  const before = await open(store)
  await publish(before, 20)
  using follower = new KeepingFollower(before)
  await factsOf(before).delivered()
  factsOf(before).release(follower.position ?? "")
  for (const each of await new Inbox(before, "calls", 20).take(20)) await each.ack()
  await store.close()
  const events = await publish(await open(store), 10)
  await using left = killed(store)
  const facts = await allFacts(await open(left))
  expect(told(facts).slice(-10)).toEqual(onCalls(events))
  expect(told(facts).filter((fact) => typeof fact !== "string")).toHaveLength(10)
})

test("a store of the format before has told everything", async () => {
  await using store = new EmbeddedStore()
  const before = await open(store)
  await publish(before, 3)
  using follower = new KeepingFollower(before)
  await factsOf(before).delivered()
  factsOf(before).release(follower.position ?? "")
  await before.purgeDeadLetters("calls", {})
  await store.close()
  {
    using database = new Database(join(store.dataDir, DATABASE_FILE))
    database.run("ALTER TABLE store DROP COLUMN recorded")
    database.run("PRAGMA user_version = 6")
  }
  const after = await open(store)
  const later = await publish(after, 3)
  expect(told(await allFacts(after))).toEqual(onCalls(later))
})
