import { expect } from "bun:test"
import type { DeadLetter, DeadLetterSelection } from "../../src/engine/dead-letter.ts"
import type { Engine } from "../../src/engine/engine.ts"
import type { DeadLetterReason } from "../../src/event/failure.ts"
import { decodeEvent } from "../../src/event/validate.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { deadLetterRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"
import { fill } from "./fill.ts"

export const deadLetterCases: readonly ContractCase[] = [
  {
    title:
      "a dead letter keeps its event, with the retries of an ordering key, and the record of its failure, and is not delivered again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const text = '"retry_count":0'
      const event = newEvent({
        routing_key: "calls",
        payload: { text, retry_count: 0 },
        metadata: { retry_count: 0 },
        ordering_key: text,
      })
      await engine.publish(event)
      const inbox = new Inbox(engine, "calls")
      const failure = deadLetterRecord({ reason: "attempts-exhausted", attempts: 5 })
      await (await inbox.next()).deadLetter(failure)
      await engine.publish(newEvent({ routing_key: "calls", name: "next" }))
      expect(namesOf([await inbox.next()])).toEqual(["next"])
      const dead = await deadLettersOf(engine, "calls", { limit: 10 })
      expect(dead.map(({ failure }) => failure)).toEqual([failure])
      expect(dead.map(({ body }) => JSON.parse(body))).toEqual([{ ...event, retry_count: 4 }])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 1 })
    },
  },
  {
    title: "a dead letter of one queue does not affect the event's other queues",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("failing", { bindings: ["shared"] }),
        queueDeclaration("fine", { bindings: ["shared"] }),
      ])
      const event = newEvent({ routing_key: "shared" })
      await engine.publish(event)
      await (await new Inbox(engine, "failing").next()).deadLetter(deadLetterRecord())
      await (await new Inbox(engine, "fine").next()).ack()
      const [dead] = await deadLettersOf(engine, "failing", { limit: 10 })
      expect(JSON.parse(dead?.body ?? "null")).toEqual(event)
      expect(await deadLettersOf(engine, "fine", { limit: 10 })).toEqual([])
    },
  },
  {
    title: "listing dead letters thirty times loses none and keeps their order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const inbox = new Inbox(engine, "calls")
      const names = ["a", "b", "c", "d", "e"]
      for (const name of names) {
        await engine.publish(newEvent({ routing_key: "calls", name }))
        await (await inbox.next()).deadLetter(deadLetterRecord())
      }
      for (let look = 0; look < 30; look++) {
        expect(namesOf(await deadLettersOf(engine, "calls", { limit: 100 }))).toEqual(names)
        expect(namesOf(await deadLettersOf(engine, "calls", { limit: 2 }))).toEqual(["a", "b"])
      }
      expect(await statsOf(engine, "calls")).toMatchObject({ deadLetterCount: names.length })
    },
  },
  {
    title: "a queue without dead letters lists none",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      expect(await deadLettersOf(engine, "calls", { limit: 10 })).toEqual([])
    },
  },
  {
    title: "redriven dead letters are delivered in order, as if they had never been tried",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b", "c"])
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 3, remaining: 0 })
      expect(await deadLettersOf(engine, "calls", { limit: 10 })).toEqual([])
      const again = await new Inbox(engine, "calls").take(3)
      expect(namesOf(again)).toEqual(["a", "b", "c"])
      for (const delivery of again) {
        expect(delivery).toMatchObject({ attempt: 1, lastFailure: null })
        expect(JSON.parse(delivery.body)).toMatchObject({ retry_count: 0 })
      }
    },
  },
  {
    title: "dead letters are redriven by id or oldest first, and the others stay in order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryAll(engine, ["a", "b", "c", "d", "e"])
      const byId = { ids: [ids[3] ?? "", ids[1] ?? "", "no such id"] }
      expect(await engine.redrive("calls", byId)).toEqual({ redriven: 2, remaining: 3 })
      expect(namesOf(await deadLettersOf(engine, "calls", { limit: 10 }))).toEqual(["a", "c", "e"])
      expect(await engine.redrive("calls", { limit: 1 })).toEqual({ redriven: 1, remaining: 2 })
      expect(namesOf(await deadLettersOf(engine, "calls", { limit: 10 }))).toEqual(["c", "e"])
      expect(namesOf(await new Inbox(engine, "calls").take(3))).toEqual(["b", "d", "a"])
    },
  },
  {
    title: "a redriven event returns to the queue that it came from, and to no other",
    async run(harness) {
      const engine = await harness.open()
      const bindings = ["calls"]
      await engine.declareQueues([
        queueDeclaration("calls", { bindings }),
        queueDeclaration("fine", { bindings }),
      ])
      const fine = new Inbox(engine, "fine")
      await buryAll(engine, ["a"])
      await (await fine.next()).ack()
      await engine.redrive("calls", {})
      await (await new Inbox(engine, "calls").next()).ack()
      expect(fine.unread).toEqual([])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 0 })
    },
  },
  {
    title:
      "an edited dead letter returns with its new payload, to its queue only, in the same trace and never tried",
    async run(harness) {
      const engine = await harness.open()
      const bindings = ["calls"]
      await engine.declareQueues([
        queueDeclaration("calls", { bindings }),
        queueDeclaration("fine", { bindings }),
      ])
      const fine = new Inbox(engine, "fine")
      const [id = "", other = ""] = await buryAll(engine, ["a", "b"])
      const [letter] = await deadLettersOf(engine, "calls", { ids: [id] })
      const event = { ...decodeEvent(letter?.body ?? ""), payload: { repaired: "ü" }, retry_count: 0 }
      const edited = { event, failedAt: letter?.failure.lastFailedAt ?? 0, fingerprint: "f" }
      const missed = { ids: [id], since: edited.failedAt + 1 }
      expect(await engine.redrive("calls", missed, { edited })).toEqual({ redriven: 0, remaining: 2 })
      const selected = { ids: [id], since: edited.failedAt, until: edited.failedAt + 1 }
      expect(await engine.redrive("calls", selected, { edited })).toEqual({ redriven: 1, remaining: 1 })
      expect(await engine.redrive("calls", selected, { edited })).toEqual({ redriven: 0, remaining: 1 })
      const again = await new Inbox(engine, "calls").next()
      expect(again).toMatchObject({ attempt: 1, lastFailure: null, isForeign: false, lineage: null })
      expect(JSON.parse(again.body)).toEqual(event)
      await again.ack()
      // The other queue has the event as it was published.
      const untouched = await fine.take(2)
      expect(untouched.filter(({ body }) => body.includes("repaired"))).toEqual([])
      for (const each of untouched) await each.ack()
      const left = await deadLettersOf(engine, "calls", { limit: 10 })
      expect(left.map(({ body }) => decodeEvent(body).id)).toEqual([other])
    },
  },
  {
    title: "a redrive stops when the queue is full, and loses nothing",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 2 })])
      await buryAll(engine, ["a", "b", "c"])
      const taken = await fill(harness, 2, () => engine.publish(newEvent({ routing_key: "calls" })))
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 0, remaining: 3 })
      expect(namesOf(await deadLettersOf(engine, "calls", { limit: 10 }))).toEqual(["a", "b", "c"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: taken })
    },
  },
  {
    title: "purged dead letters are deleted, and the queue's events are not",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b"])
      await engine.publish(newEvent({ routing_key: "calls", name: "kept" }))
      expect(await engine.purgeDeadLetters("calls", {})).toEqual({ purged: 2, remaining: 0 })
      expect(await deadLettersOf(engine, "calls", { limit: 10 })).toEqual([])
      expect(await engine.purgeDeadLetters("calls", {})).toEqual({ purged: 0, remaining: 0 })
      expect(namesOf(await new Inbox(engine, "calls").take(1))).toEqual(["kept"])
    },
  },
  {
    title: "dead letters are found by reason and by name, the oldest first",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b", "a", "b"], ["timeout", "rejected", "rejected", "timeout"])
      const find = async (selection: DeadLetterSelection) =>
        (await deadLettersOf(engine, "calls", selection)).map(
          ({ body, failure }) => `${JSON.parse(body).name} ${failure.reason}`,
        )
      expect(await find({ reason: "timeout" })).toEqual(["a timeout", "b timeout"])
      expect(await find({ name: "a" })).toEqual(["a timeout", "a rejected"])
      expect(await find({ name: "a", reason: "rejected" })).toEqual(["a rejected"])
      expect(await find({ name: "b", limit: 1 })).toEqual(["b rejected"])
      expect(await find({ reason: "expired" })).toEqual([])
      expect(await find({ ids: ["no such id"] })).toEqual([])
    },
  },
  {
    title: "a dry run counts the selection and moves nothing",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = ["a", "b", "a", "b", "a"]
      await buryAll(engine, names)
      const dryRun = (selection: DeadLetterSelection) => engine.redrive("calls", selection, { dryRun: true })
      expect(await dryRun({})).toEqual({ redriven: 5, remaining: 0 })
      expect(await dryRun({ name: "a" })).toEqual({ redriven: 3, remaining: 2 })
      expect(await dryRun({ name: "a", limit: 2 })).toEqual({ redriven: 2, remaining: 3 })
      expect(namesOf(await deadLettersOf(engine, "calls", {}))).toEqual(names)
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 5 })
    },
  },
  {
    title: "a selection by error and time takes those that failed so, and spares what failed since",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const inbox = new Inbox(engine, "calls")
      const busy = { name: "Error", message: "busy" }
      const failures = [
        { lastFailedAt: 1_700_000_001_000, error: busy },
        { lastFailedAt: 1_700_000_002_000, error: null },
        { lastFailedAt: 1_700_000_003_000, error: { ...busy, message: "busy again" } },
        { lastFailedAt: 1_700_000_004_000, error: busy },
      ]
      for (const [index, failure] of failures.entries()) {
        await engine.publish(newEvent({ routing_key: "calls", name: `n${index}` }))
        await (await inbox.next()).deadLetter(deadLetterRecord(failure))
      }
      const named = async (selection: DeadLetterSelection) =>
        namesOf(await deadLettersOf(engine, "calls", selection))
      expect(await named({ error: "Error: busy" })).toEqual(["n0", "n2", "n3"])
      expect(await named({ since: 1_700_000_002_000, until: 1_700_000_004_000 })).toEqual(["n1", "n2"])
      const counted = { wholeError: "Error: busy", until: 1_700_000_004_000 }
      expect(await engine.redrive("calls", counted, { dryRun: true })).toMatchObject({ redriven: 1 })
      expect(await engine.purgeDeadLetters("calls", counted)).toEqual({ purged: 1, remaining: 3 })
      expect(await engine.redrive("calls", { wholeError: "" })).toEqual({ redriven: 1, remaining: 2 })
      expect(await named({})).toEqual(["n2", "n3"])
    },
  },
  {
    title: "a selection is redriven or purged, and the rest stays in order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = ["a", "b", "c", "d", "e", "f", "g"]
      const ids = await buryAll(engine, names, [
        "timeout",
        "attempts-exhausted",
        "timeout",
        "attempts-exhausted",
        "attempts-exhausted",
        "attempts-exhausted",
        "attempts-exhausted",
      ])
      expect(await engine.purgeDeadLetters("calls", { reason: "timeout" })).toEqual({
        purged: 2,
        remaining: 5,
      })
      expect(await engine.redrive("calls", { name: "d" })).toEqual({ redriven: 1, remaining: 4 })
      expect(namesOf(await deadLettersOf(engine, "calls", {}))).toEqual(["b", "e", "f", "g"])
      const byId = { ids: [ids[5] ?? "", ids[0] ?? ""] }
      expect(await engine.purgeDeadLetters("calls", byId)).toEqual({ purged: 1, remaining: 3 })
      expect(await engine.purgeDeadLetters("calls", { limit: 1 })).toEqual({ purged: 1, remaining: 2 })
      expect(namesOf(await deadLettersOf(engine, "calls", {}))).toEqual(["e", "g"])
      expect(namesOf(await new Inbox(engine, "calls").take(1))).toEqual(["d"])
    },
  },
  {
    title: "dead letters are selected by the space of their events' routing keys",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["#"] })])
      const events = ["voice.a", "voicemail.b", "voice", "user.voice.c", "voice.d"]
      await buryAll(
        engine,
        events.map((key) => ({ name: key, routing_key: `events.${key}` })),
      )
      const within = ["events.voice"]
      const find = async (selection: DeadLetterSelection) =>
        namesOf(await deadLettersOf(engine, "calls", selection))
      expect(await find({ within })).toEqual(["voice.a", "voice", "voice.d"])
      expect(await find({ within, limit: 2 })).toEqual(["voice.a", "voice"])
      expect(await find({ within, name: "voicemail.b" })).toEqual([])
      expect(await find({ within: [...within, "events.user"] })).toEqual([
        "voice.a",
        "voice",
        "user.voice.c",
        "voice.d",
      ])
      expect(await find({ within: [] })).toEqual([])
      expect(await engine.redrive("calls", { within }, { dryRun: true })).toEqual({
        redriven: 3,
        remaining: 2,
      })
      expect(await engine.purgeDeadLetters("calls", { within, limit: 1 })).toEqual({
        purged: 1,
        remaining: 4,
      })
      expect(await engine.redrive("calls", { within })).toEqual({ redriven: 2, remaining: 2 })
      expect(await find({})).toEqual(["voicemail.b", "user.voice.c"])
    },
  },
  {
    title: "dead letters of an unknown queue are refused, naming the queue that was meant, or all",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const unknown = {
        name: "UnknownQueueError",
        queue: "cals",
        message: 'there is no queue "cals"; did you mean calls?',
      }
      await expect(deadLettersOf(engine, "cals", {})).rejects.toMatchObject(unknown)
      await expect(engine.redrive("cals", {})).rejects.toMatchObject(unknown)
      await expect(engine.purgeDeadLetters("cals", {})).rejects.toMatchObject(unknown)
      await expect(engine.redrive("nowhere", {})).rejects.toThrow(
        'there is no queue "nowhere"; the queues are calls',
      )
    },
  },
  {
    title: "two concurrent redrives move each dead letter once, and listing meanwhile misses none",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryMany(engine, 500)
      const looks: Promise<readonly DeadLetter[]>[] = []
      const look = () => looks.push(deadLettersOf(engine, "calls", {}))
      look()
      const redrives = [engine.redrive("calls", { limit: 300 })]
      look()
      redrives.push(engine.redrive("calls", {}))
      look()
      const moved = (await Promise.all(redrives)).map(({ redriven }) => redriven)
      expect(moved[0]).toBe(300)
      expect(moved[1]).toBe(200)
      for (const seen of await Promise.all(looks)) {
        // Earlier ones may have been redriven already; of the rest, none is missing.
        expect(seen.map(({ body }) => JSON.parse(body).id)).toEqual(ids.slice(ids.length - seen.length))
      }
      const inbox = new Inbox(engine, "calls")
      const again = (await inbox.take(ids.length)).map(({ body }) => JSON.parse(body).id)
      expect(again.toSorted()).toEqual(ids.toSorted())
      expect(inbox.unread).toEqual([])
    },
  },
  {
    title: "an event that fails again during a redrive is not redriven again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryMany(engine, 1_500)
      const failing = engine.consume("calls", {
        prefetch: 100,
        onDelivery: (delivery) => void delivery.deadLetter(deadLetterRecord()),
      })
      expect((await engine.redrive("calls", {})).redriven).toBe(1_500)
      await waitUntil(
        async () => (await statsOf(engine, "calls")).deadLetterCount === 1_500,
        "all to fail again",
      )
      failing.cancel()
    },
  },
  {
    title: "large dead letters are listed in pages bounded in bytes, each exactly once",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryAll(engine, Array.from({ length: 30 }, largeEvent))
      const shown: string[][] = []
      let cursor: string | undefined
      do {
        const page = await engine.deadLetters("calls", { limit: 1_000 }, cursor)
        shown.push(page.letters.map(({ body }) => JSON.parse(body).id))
        cursor = page.cursor ?? undefined
      } while (cursor !== undefined)
      expect(shown.flat()).toEqual([...ids])
      expect(Math.max(...shown.map(({ length }) => length))).toBeLessThan(20)
      expect((await engine.deadLetters("calls", { limit: 1 })).letters).toHaveLength(1)
    },
  },
  {
    title: "a cursor continues after its dead letter when older ones are gone, and an invalid one is refused",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b", "c", "d", "e"])
      const { letters, cursor } = await engine.deadLetters("calls", { limit: 3 })
      expect(namesOf(letters)).toEqual(["a", "b", "c"])
      await engine.purgeDeadLetters("calls", { limit: 2 })
      const next = await engine.deadLetters("calls", {}, cursor ?? "")
      expect(namesOf(next.letters)).toEqual(["d", "e"])
      expect(next.cursor).toBeNull()
      await expect(engine.deadLetters("calls", {}, "nonsense")).rejects.toMatchObject({
        name: "InvalidCursorError",
      })
    },
  },
  {
    title: "large dead letters are counted, redriven and purged, with unselected ones in between",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(
        engine,
        Array.from({ length: 60 }, (_, index) => ({
          ...largeEvent(),
          name: index % 2 === 0 ? "even" : "odd",
        })),
      )
      expect(await engine.redrive("calls", { limit: 1 }, { dryRun: true })).toEqual({
        redriven: 1,
        remaining: 59,
      })
      expect(await engine.redrive("calls", {}, { dryRun: true })).toEqual({ redriven: 60, remaining: 0 })
      expect(await engine.redrive("calls", { name: "odd" })).toEqual({ redriven: 30, remaining: 30 })
      expect(namesOf(await deadLettersOf(engine, "calls", {}))).toEqual(Array(30).fill("even"))
      expect(await engine.redrive("calls", { limit: 10 })).toEqual({ redriven: 10, remaining: 20 })
      expect(await engine.purgeDeadLetters("calls", {})).toEqual({ purged: 20, remaining: 0 })
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 40, deadLetterCount: 0 })
    },
  },
  {
    title: "the order of dead letters survives redrives and listings of any length",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryMany(engine, 400)
      await engine.deadLetters("calls", { limit: 10 })
      await engine.redrive("calls", { limit: 150 })
      await engine.deadLetters("calls", { limit: 1 })
      await engine.redrive("calls", { ids: ids.filter((_, index) => index % 7 === 0) })
      await engine.purgeDeadLetters("calls", { limit: 3 })
      const left = ids.slice(150).filter((id) => ids.indexOf(id) % 7 !== 0)
      const shown = (await deadLettersOf(engine, "calls", {})).map(({ body }) => JSON.parse(body).id)
      expect(shown).toEqual(left.slice(3))
    },
  },
  {
    title: "a process killed in the middle of a redrive loses none",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryMany(engine, 3_000)
      await engine.close()
      await harness.crashRedriving("calls")
      const reopened = await harness.open()
      const dead = (await deadLettersOf(reopened, "calls", {})).map(({ body }) => JSON.parse(body).id)
      const { messageCount } = await statsOf(reopened, "calls")
      expect(messageCount).toBeGreaterThan(0)
      expect(dead.length).toBeGreaterThan(0)
      const inOrder = ids.filter((id) => dead.includes(id))
      if (harness.capabilities.crashKeepsDeadLetterOrder) expect(dead).toEqual(inOrder)
      else expect(dead.toSorted()).toEqual(inOrder.toSorted())
      const moved = await new Inbox(reopened, "calls", messageCount).take(messageCount)
      const found = new Set([...dead, ...moved.map(({ body }) => JSON.parse(body).id)])
      expect(found).toEqual(new Set(ids))
    },
  },
]

/** A draft of 800 KB. */
const largeEvent = () => ({
  name: "large",
  routing_key: "calls",
  payload: { text: "x".repeat(800_000) },
})

/**
 * Publishes events, given by their names, to the queue `calls` and makes each a dead letter. Returns their
 * ids.
 */
async function buryAll(
  engine: Engine,
  events: readonly (string | Parameters<typeof newEvent>[0])[],
  reasons: readonly DeadLetterReason[] = [],
): Promise<readonly string[]> {
  const inbox = new Inbox(engine, "calls")
  const ids: string[] = []
  for (const [index, each] of events.entries()) {
    const event = newEvent(typeof each === "string" ? { routing_key: "calls", name: each } : each)
    await engine.publish(event)
    await (await inbox.next()).deadLetter(
      deadLetterRecord({ reason: reasons[index] ?? "attempts-exhausted" }),
    )
    ids.push(event.id)
  }
  inbox.subscription.cancel()
  await waitUntil(async () => (await statsOf(engine, "calls")).consumerCount === 0, "the consumer to be gone")
  return ids
}

/** Like `buryAll`, for many events at once. The ids are in the order of the dead letters. */
async function buryMany(engine: Engine, count: number): Promise<readonly string[]> {
  const events = Array.from({ length: count }, () => newEvent({ routing_key: "calls" }))
  await Promise.all(events.map((event) => engine.publish(event)))
  const inbox = new Inbox(engine, "calls", count)
  const deliveries = await inbox.take(count)
  await Promise.all(deliveries.map((delivery) => delivery.deadLetter(deadLetterRecord())))
  inbox.subscription.cancel()
  await waitUntil(async () => (await statsOf(engine, "calls")).consumerCount === 0, "the consumer to be gone")
  return (await deadLettersOf(engine, "calls", {})).map(({ body }) => JSON.parse(body).id)
}
