import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import type { AttemptFact } from "../../src/event/history-fact.ts"
import { factsOf, idsOf, KeepingFollower } from "../support/fact-follower.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase, EngineHarness } from "./engine-contract.ts"

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
const FAILED_AT = 1_700_000_000_000

const attempt = (id: string, overrides: Partial<AttemptFact> = {}): AttemptFact => ({
  fact: "attempt",
  at: FAILED_AT,
  id,
  queue: "calls",
  attempt: 1,
  duration_ms: 3,
  outcome: "handled",
  module: "handlers/calls.ts",
  handler: "tested",
  generation: "1",
  ...overrides,
})

async function open(harness: EngineHarness, ...queues: readonly string[]): Promise<Engine> {
  const engine = await harness.open({ recordsFacts: true })
  await engine.declareQueues(queues.map((name) => queueDeclaration(name, { bindings: [name, "shared"] })))
  return engine
}

async function publish(engine: Engine, routing_key = "calls") {
  const event = newEvent({ routing_key })
  await engine.publish(event)
  return event
}

/** Makes an event of the queue a dead letter. */
async function bury(engine: Engine) {
  const event = await publish(engine)
  const inbox = new Inbox(engine, "calls", 1)
  const delivery = await inbox.next()
  const outcome = { outcome: "dead-letter", reason: "attempts-exhausted" } as const
  await delivery.deadLetter(deadLetterRecord(), attempt(event.id, outcome))
  await inbox.subscription.cancel()
  return event
}

export const factsCases: readonly ContractCase[] = [
  {
    title:
      "a publish is a fact with the event, its queues and its origin, which a follower has once it is confirmed",
    async run(harness) {
      const engine = await open(harness, "calls", "others")
      using follower = new KeepingFollower(engine)
      const before = Date.now()
      const event = newEvent({ routing_key: "shared", payload: { text: "ü\n" } })
      const lineage = { causedBy: "cause", hops: 1, chain: ["custom/first"] }
      await engine.publish(event, { trace: { traceparent: TRACEPARENT, tracestate: null }, lineage })
      const fact = await follower.found("published")
      expect(fact).toEqual({
        fact: "published",
        at: expect.any(Number),
        queues: expect.any(Array),
        event,
        trace: TRACEPARENT,
        caused_by: "cause",
      })
      expect(fact.queues.toSorted()).toEqual(["calls", "others"])
      expect(fact.at).toBeGreaterThanOrEqual(before)
      expect(fact.at).toBeLessThanOrEqual(Date.now())
    },
  },
  {
    title: "a publish that is refused is no fact, or is taken back",
    async run(harness) {
      const engine = await open(harness, "calls")
      using follower = new KeepingFollower(engine)
      const refused = newEvent({ routing_key: "nobody" })
      await expect(engine.publish(refused)).rejects.toMatchObject({ code: "unroutable" })
      const event = await publish(engine)
      await follower.found("published", (fact) => fact.event.id === event.id)
      expect([undefined, "refused"]).toContain(follower.kindsOf(refused.id).at(-1))
    },
  },
  {
    title: "the fact of each settlement is stored when the settlement is, also if the engine closes then",
    async run(harness) {
      const engine = await open(harness, "calls")
      const events = [await publish(engine), await publish(engine), await publish(engine)]
      const [handled, retried, dead] = await new Inbox(engine, "calls").take(3)
      const facts = [
        attempt(events[0]?.id ?? ""),
        attempt(events[1]?.id ?? "", { outcome: "retry", reason: "error", next_at: FAILED_AT + 60_000 }),
        attempt(events[2]?.id ?? "", { outcome: "dead-letter", reason: "attempts-exhausted" }),
      ]
      await handled?.ack(facts[0])
      await retried?.retry(60_000, failureRecord(), facts[1])
      await dead?.deadLetter(deadLetterRecord(), facts[2])
      await engine.close()
      const reopened = await open(harness, "calls")
      using follower = new KeepingFollower(reopened)
      await waitUntil(() => follower.facts.length === 6, "all facts")
      expect(follower.facts.filter(({ fact }) => fact === "attempt")).toEqual(facts)
      for (const { id } of events) expect(follower.kindsOf(id)).toEqual(["published", "attempt"])
    },
  },
  {
    title: "an appended fact is durable once its promise has resolved",
    async run(harness) {
      const engine = await open(harness, "calls")
      await factsOf(engine).append(attempt("first"))
      await engine.close()
      const reopened = await open(harness, "calls")
      using follower = new KeepingFollower(reopened)
      expect(await follower.found("attempt")).toEqual(attempt("first"))
    },
  },
  {
    title: "a follower that goes on at a position gets none of the batches before it, and misses none",
    async run(harness) {
      const engine = await open(harness, "calls")
      const ids: string[] = []
      using first = new KeepingFollower(engine)
      for (let count = 0; count < 20; count++) ids.push((await publish(engine)).id)
      await waitUntil(() => first.facts.length === 20, "the first facts")
      first[Symbol.dispose]()
      for (const { position } of [first.arrived[4], first.arrived.at(-1)].flatMap((batch) => batch ?? [])) {
        const known = first.arrived.findIndex((batch) => batch.position === position) + 1
        ids.push((await publish(engine)).id)
        using next = new KeepingFollower(engine, position)
        const has = (id: string) => next.facts.some((fact) => idsOf(fact).includes(id))
        await waitUntil(() => has(ids.at(-1) ?? ""), "the last fact")
        const tokens = new Set(next.arrived.map(({ token }) => token))
        expect(first.arrived.filter(({ token }) => tokens.has(token))).toEqual(first.arrived.slice(known))
        const before = first.arrived.slice(0, known).flatMap((batch) => first.factsIn(batch)).length
        expect(next.facts.flatMap(idsOf)).toEqual(ids.slice(before))
      }
    },
  },
  {
    title: "a follower is caught up once it has all that was there before it",
    async run(harness) {
      const engine = await open(harness, "calls")
      for (let count = 0; count < 50; count++) await publish(engine)
      const facts = factsOf(engine)
      using follower = new KeepingFollower(engine)
      await waitUntil(() => facts.progress().isCaughtUp, "the follower to catch up")
      expect(follower.facts).toHaveLength(50)
      expect(facts.progress()).toMatchObject({ failure: null, dropped: 0, reachedAt: expect.any(Number) })
    },
  },
  {
    title: "redriven and purged dead letters are facts with their ids",
    async run(harness) {
      const engine = await open(harness, "calls")
      using follower = new KeepingFollower(engine)
      const [redriven, purged] = [await bury(engine), await bury(engine)]
      await engine.redrive("calls", { ids: [redriven.id] })
      await engine.purgeDeadLetters("calls", { ids: [purged.id] })
      expect(await follower.found("redriven")).toEqual({
        fact: "redriven",
        at: expect.any(Number),
        id: redriven.id,
        queue: "calls",
      })
      expect(await follower.found("purged")).toEqual({
        fact: "purged",
        at: expect.any(Number),
        queue: "calls",
        from: "dead-letters",
        ids: [purged.id],
      })
      expect(follower.kindsOf(redriven.id)).toEqual(["published", "attempt", "redriven"])
    },
  },
  {
    title: "an edited dead letter is a fact with the event as it is since, and what it was made of",
    async run(harness) {
      const engine = await open(harness, "calls")
      using follower = new KeepingFollower(engine)
      const event = { ...(await bury(engine)), payload: { repaired: true } }
      const { lastFailedAt: failedAt } = deadLetterRecord()
      const edited = { event, failedAt, fingerprint: "f" }
      await engine.redrive("calls", { ids: [event.id], since: failedAt }, { edited })
      expect(await follower.found("redriven")).toEqual({
        fact: "redriven",
        at: expect.any(Number),
        id: event.id,
        queue: "calls",
        edited: { failed_at: failedAt, fingerprint: "f" },
        event,
      })
    },
  },
  {
    title:
      "purging and deleting a queue are facts, with the ids of the events or without any for all of them",
    async run(harness) {
      const engine = await open(harness, "calls")
      using follower = new KeepingFollower(engine)
      const hasTold = (id: string) =>
        follower.facts.some(
          (fact) => fact.fact === "purged" && fact.from === "queue" && (fact.ids?.includes(id) ?? true),
        )
      const first = await publish(engine)
      await engine.queueAdministration.purge("calls")
      await waitUntil(() => hasTold(first.id), "the fact of the purge")
      const before = follower.facts.length
      const second = await publish(engine)
      await engine.queueAdministration.delete("calls")
      await waitUntil(
        () => follower.facts.length > before + 1 && hasTold(second.id),
        "the facts of the publish and the deletion",
      )
    },
  },
]
