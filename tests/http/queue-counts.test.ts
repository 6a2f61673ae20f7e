import { expect, test } from "bun:test"
import type { QueueStats } from "../../src/engine/engine.ts"
import type { UnfinishedQueue } from "../../src/history/history-query.ts"
import { type CountingParts, countEvents, countEventsOf } from "../../src/http/queue-counts.ts"

const STATS: QueueStats = {
  name: "calls",
  bindings: ["calls"],
  messageCount: 10,
  unsettledCount: 6,
  settlingCount: 1,
  retryingCount: 4,
  oldestWaitingMs: 2_500,
  isHeldElsewhere: false,
  consumerCount: 1,
  deadLetterCount: 3,
  maxLength: 100,
  overflow: "reject-publish",
}

/** The statistics of an engine that can't count retries. */
const SHARED: QueueStats = { ...STATS, retryingCount: null, oldestWaitingMs: null }

/** Workers have two events, and one is held for its key. */
function partsWith(unfinished: CountingParts["unfinished"] = null): CountingParts {
  return {
    running: { of: () => 2, since: () => null },
    consumption: {
      hasModule: () => true,
      isPaused: () => false,
      isBusy: () => false,
      heldRetries: () => 1,
      pause: () => {},
      resume: () => {},
    },
    unfinished,
  }
}

test("the events of a queue are in four counts, each in one", async () => {
  const { counts } = await countEventsOf(STATS, partsWith())
  expect(counts).toEqual({ waiting: 12, running: 3, retrying: 5, dead: 3, oldestWaitingAge: 2.5 })
})

test("what neither the engine nor the history can say is unknown", async () => {
  const { counts } = await countEventsOf(SHARED, partsWith())
  expect(counts).toEqual({ waiting: 12, running: 3, retrying: null, dead: 3, oldestWaitingAge: null })
})

test("an engine that counts retries does not ask the history", async () => {
  const unfinished = () => Promise.reject(new Error("was asked"))
  const [queue] = await countEvents([STATS], partsWith(unfinished))
  expect(queue?.counts.retrying).toBe(5)
})

test("the history fills in what the engine can't say, and knows of no other queue anything unfinished", async () => {
  const known: UnfinishedQueue = { queue: "calls", retrying: 7, oldestWaitingAt: Date.now() - 60_000 }
  const queues = [SHARED, { ...SHARED, name: "quiet" }]
  const [calls, quiet] = await countEvents(
    queues,
    partsWith(async () => [known]),
  )
  expect(calls?.counts).toMatchObject({ waiting: 12, retrying: 7 })
  expect(calls?.counts.oldestWaitingAge).toBeWithin(60, 70)
  expect(quiet?.counts).toMatchObject({ retrying: 0, oldestWaitingAge: 0 })
})

test.each([
  ["is away", () => Promise.reject(new Error("the history is restarting"))],
  ["does not answer", () => new Promise<never>(() => {})],
])("a history that %s leaves the counts unknown", async (_, unfinished) => {
  const { counts } = await countEventsOf(SHARED, partsWith(unfinished))
  expect(counts).toMatchObject({ waiting: 12, retrying: null, oldestWaitingAge: null })
})

test("figures that are older than what runs now count no event less than once", async () => {
  const stale: QueueStats = { ...SHARED, messageCount: 0, unsettledCount: 0, settlingCount: 0 }
  const { counts } = await countEventsOf(stale, partsWith())
  expect(counts).toMatchObject({ waiting: 0, running: 2 })
})
