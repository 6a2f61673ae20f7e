import { describe, expect, test } from "bun:test"
import { changeRows, flipBitOf } from "../../support/damage.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TRACE = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: null }

interface Told {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Returns a closed store with three waiting events; the tests damage the second. */
async function storeOfThree(bindings: readonly string[] = ["calls"]): Promise<EmbeddedStore> {
  const store = new EmbeddedStore()
  const engine = store.open()
  await engine.declareQueues(bindings.map((name) => queueDeclaration(name, { bindings: ["calls"] })))
  for (const name of ["first", "second", "third"]) {
    await engine.publish(newEvent({ id: `id-${name}`, routing_key: "calls", name, payload: { of: name } }), {
      trace: TRACE,
    })
  }
  await engine.close()
  return store
}

const change = (store: EmbeddedStore, ...statements: readonly string[]) =>
  changeRows(store.dataDir, ...statements)

const SECOND = "body LIKE '%id-second%'"

const damages: readonly (readonly [string, (store: EmbeddedStore) => void])[] = [
  ["one bit of its payload is flipped", (store) => flipBitOf(store.dataDir, '{"of":"second"', 7)],
  ["its text is not valid UTF-8 any more", (store) => flipBitOf(store.dataDir, '{"of":"second"', 7, 7)],
  ["its text is not valid JSON any more", (store) => flipBitOf(store.dataDir, '{"of":"second"', 1)],
  [
    "its trace is changed",
    (store) => change(store, `UPDATE events SET trace = replace(trace, 'b7', 'b6') WHERE ${SECOND}`),
  ],
  ["its trace is missing", (store) => change(store, `UPDATE events SET trace = NULL WHERE ${SECOND}`)],
  [
    "its checksum is changed",
    (store) => change(store, `UPDATE events SET checksum = checksum + 1 WHERE ${SECOND}`),
  ],
  [
    "its message has another priority",
    (store) =>
      change(
        store,
        `UPDATE messages SET priority = 9 WHERE event = (SELECT seq FROM events WHERE ${SECOND})`,
      ),
  ],
  [
    "its message points to nothing",
    (store) =>
      change(
        store,
        `UPDATE messages SET event = event + 4 WHERE event = (SELECT seq FROM events WHERE ${SECOND})`,
      ),
  ],
  ["it is missing", (store) => change(store, `DELETE FROM events WHERE ${SECOND}`)],
]

describe("an event that differs from what was stored", () => {
  test.each(damages)("becomes a dead letter, and the rest of its queue continues: %s", async (_, damage) => {
    await using store = await storeOfThree()
    damage(store)
    const told: Told[] = []
    const engine = store.open({ report: (level, message, fields) => told.push({ level, message, fields }) })
    const inbox = new Inbox(engine, "calls")
    expect(namesOf(await inbox.take(2))).toEqual(["first", "third"])
    await waitUntil(async () => (await statsOf(engine, "calls")).deadLetterCount === 1, "the dead letter")
    const letters = await deadLettersOf(engine, "calls", { reason: "corrupt" })
    expect(letters.map(({ failure }) => failure)).toEqual([
      expect.objectContaining({ reason: "corrupt", attempts: 0, error: expect.anything(), module: null }),
    ])
    expect(told).toEqual([
      {
        level: "error",
        message: "corrupt event moved to the dead letters",
        fields: expect.objectContaining({
          queue: "calls",
          event: expect.any(Number),
          fault: expect.any(String),
        }),
      },
    ])
    expect(inbox.unread).toEqual([])
    expect(engine.status()).toEqual({ state: "ready" })
  })

  test("is logged with its id, and its readable part is shown", async () => {
    await using store = await storeOfThree()
    flipBitOf(store.dataDir, '{"of":"second"', 7)
    const told: Told[] = []
    const engine = store.open({ report: (level, message, fields) => told.push({ level, message, fields }) })
    await new Inbox(engine, "calls").take(2)
    await waitUntil(() => told.length > 0, "the line in the log")
    expect(told[0]?.fields).toMatchObject({ event_id: "id-second" })
    const [letter] = await deadLettersOf(engine, "calls", {})
    expect(letter?.body).toContain('"payload":{"of":"')
  })

  test("becomes a dead letter on each of its queues", async () => {
    await using store = await storeOfThree(["calls", "archive"])
    flipBitOf(store.dataDir, '{"of":"second"', 7)
    const engine = store.open()
    for (const queue of ["calls", "archive"]) {
      expect(namesOf(await new Inbox(engine, queue).take(2))).toEqual(["first", "third"])
      expect(await deadLettersOf(engine, queue, {})).toEqual([
        { body: expect.any(String), failure: expect.objectContaining({ reason: "corrupt" }) },
      ])
    }
  })

  test("is not delivered even if nothing else waits, and its queue accepts new events", async () => {
    await using store = await storeOfThree()
    change(store, "DELETE FROM events")
    const engine = store.open()
    const inbox = new Inbox(engine, "calls", 1)
    await waitUntil(async () => (await statsOf(engine, "calls")).deadLetterCount === 3, "the dead letters")
    await engine.publish(newEvent({ routing_key: "calls", name: "next" }))
    expect(namesOf([await inbox.next()])).toEqual(["next"])
  })

  test("is delivered unchecked if an earlier version stored it", async () => {
    await using store = await storeOfThree()
    change(store, "UPDATE events SET checksum = NULL", "UPDATE events SET trace = 'no JSON'")
    const deliveries = await new Inbox(store.open(), "calls").take(3)
    expect(namesOf(deliveries)).toEqual(["first", "second", "third"])
    expect(deliveries.map(({ trace }) => trace)).toEqual([null, null, null])
  })
})

describe("a dead letter whose event differs from what was stored", () => {
  /** Returns a closed store with the three events as dead letters. */
  async function deadLetters(): Promise<EmbeddedStore> {
    const store = await storeOfThree()
    const engine = store.open()
    for (const delivery of await new Inbox(engine, "calls").take(3))
      await delivery.deadLetter(deadLetterRecord())
    await engine.close()
    return store
  }

  test.each([
    ["one bit is flipped", (store: EmbeddedStore) => flipBitOf(store.dataDir, '{"of":"second"', 7)],
    ["it is not valid UTF-8", (store: EmbeddedStore) => flipBitOf(store.dataDir, '{"of":"second"', 7, 7)],
    ["it is missing", (store: EmbeddedStore) => change(store, `DELETE FROM events WHERE ${SECOND}`)],
  ])("is shown as corrupt, never redriven, and can be purged: %s", async (_, damage) => {
    await using store = await deadLetters()
    damage(store)
    const engine = store.open()
    const reasons = (await deadLettersOf(engine, "calls", {})).map(({ failure }) => failure.reason)
    expect(reasons).toEqual([deadLetterRecord().reason, "corrupt", deadLetterRecord().reason])
    const left = { redriven: 2, remaining: 1, corrupt: 1 }
    expect(await engine.redrive("calls", {}, { dryRun: true })).toEqual(left)
    expect(await engine.redrive("calls", {})).toEqual(left)
    expect(namesOf(await new Inbox(engine, "calls").take(2))).toEqual(["first", "third"])
    expect(await engine.purgeDeadLetters("calls", { reason: "corrupt" })).toEqual({ purged: 1, remaining: 0 })
  })

  test("is shown even if its record is unreadable, and redriven because its event is intact", async () => {
    await using store = await deadLetters()
    change(store, "UPDATE dead_letters SET failure = 'x' || failure")
    const engine = store.open()
    const letters = await deadLettersOf(engine, "calls", {})
    expect(namesOf(letters)).toEqual(["first", "second", "third"])
    expect(letters.map(({ failure }) => failure.reason)).toEqual(["corrupt", "corrupt", "corrupt"])
    expect(await engine.redrive("calls", {})).toEqual({ redriven: 3, remaining: 0 })
    expect(await new Inbox(engine, "calls").take(3)).toHaveLength(3)
  })

  test("stays intact when it is redriven, retried and dead-lettered again: its checksum moves with it", async () => {
    await using store = await deadLetters()
    const engine = store.open()
    await engine.redrive("calls", {})
    const inbox = new Inbox(engine, "calls")
    for (const delivery of await inbox.take(3)) await delivery.retry(1, failureRecord())
    for (const delivery of await inbox.take(3)) await delivery.deadLetter(deadLetterRecord())
    expect(await engine.redrive("calls", {})).toEqual({ redriven: 3, remaining: 0 })
    expect(await inbox.take(3)).toHaveLength(3)
  })
})
