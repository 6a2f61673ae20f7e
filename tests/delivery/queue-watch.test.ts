import { expect, spyOn, test } from "bun:test"
import pino from "pino"
import { QueueWatch } from "../../src/delivery/queue-watch.ts"
import type { QueueStats } from "../../src/engine/engine.ts"

const STATS: QueueStats = {
  name: "audit",
  bindings: ["events.#"],
  messageCount: 0,
  unsettledCount: 0,
  settlingCount: 0,
  retryingCount: 0,
  oldestWaitingMs: 0,
  consumerCount: 0,
  deadLetterCount: 0,
  isHeldElsewhere: false,
  maxLength: 10,
  overflow: "reject-publish",
}

/** Makes a watch over queues that the test changes. */
function watching(
  paused: Readonly<Record<string, boolean>> = {},
  modulesBoundTo: readonly string[] = [],
  remembersQueues = true,
) {
  const log: string[] = []
  let queues: readonly QueueStats[] | null = [STATS]
  const watch = new QueueWatch({
    engine: {
      capabilities: { remembersQueues },
      queueStats: async () => {
        if (queues === null) throw new Error("the engine is away")
        return queues
      },
    },
    predefined: ["voice_events", "user_events", "custom_events"],
    isPaused: (queue) => paused[queue] ?? null,
    modulesBoundTo: (patterns) => (patterns.includes("events.voice.#") ? modulesBoundTo : []),
    logger: pino({}, { write: (line) => log.push(JSON.parse(line).msg) }),
  })
  /** Looks once, and returns the messages that it logs. */
  const look = async (...changes: readonly Partial<QueueStats>[] | [null]) => {
    queues = changes[0] === null ? null : changes.map((change) => ({ ...STATS, ...change }))
    log.splice(0)
    await watch.look()
    return [...log]
  }
  return { watch, look }
}

test("an orphaned queue is logged once, and again after it was consumed", async () => {
  const { watch, look } = watching()
  expect(await look({})).toEqual([expect.stringMatching(/^queue orphaned: nothing consumes audit/)])
  expect(await look({ messageCount: 1 })).toEqual([])
  expect(watch.fault).toBe("audit is orphaned (1 of 10 events wait)")
  expect(await look({ consumerCount: 1 })).toEqual(["queue no longer orphaned"])
  expect(watch.fault).toBeNull()
  expect(await look({})).toHaveLength(1)
  expect(await look()).toEqual(["queue no longer orphaned"])
})

test("a queue that nothing consumes is logged at 50, 80 and 100 % of its limit, once each", async () => {
  const { look } = watching()
  await look({})
  const levels: unknown[] = []
  for (const messageCount of [4, 5, 6, 8, 9, 10, 9, 10, 12]) {
    for (const line of await look({ messageCount })) levels.push([messageCount, line.split(":")[0]])
  }
  expect(levels).toEqual([
    [5, "queue without a consumer has reached 50 % of its limit (5 of 10 events wait)"],
    [8, "queue without a consumer has reached 80 % of its limit (8 of 10 events wait)"],
    [10, "queue without a consumer is full and refuses events (10 of 10 events wait)"],
  ])
  expect(await look({ messageCount: 4 })).toEqual([])
  expect(await look({ messageCount: 10 })).toHaveLength(1)
})

test("a queue that is full at the first look is logged as full", async () => {
  const { watch, look } = watching()
  const full = { messageCount: 10, overflow: "drop-head" } as const
  expect(await look(full)).toEqual([
    expect.stringContaining("queue orphaned"),
    expect.stringContaining("is full and makes its oldest events dead letters"),
  ])
  expect(watch.explainFull("audit")).toContain("event-broker queues delete audit --force")
  expect(watch.explainFull("other")).toBeNull()
})

test("the advice to delete an orphaned queue counts what it holds, and thinks of other instances", async () => {
  const { watch, look } = watching()
  await look({})
  expect(watch.explainFull("audit")).toMatch(/or delete it: "event-broker queues delete audit"$/)
  await look({ messageCount: 1, deadLetterCount: 2 })
  expect(watch.explainFull("audit")).toMatch(
    /or delete it with its 1 event and 2 dead letters: "event-broker queues delete audit --force"$/,
  )
  const shared = watching({}, [], false)
  await shared.look({ messageCount: 1 })
  expect(shared.watch.explainFull("audit")).toMatch(
    /: resume it if another instance has paused it, add its module again, .*, or, if no instance needs it, delete it with its 1 event and 0/,
  )
})

test("a queue that another instance has paused is not orphaned, and its levels are logged", async () => {
  const { watch, look } = watching({}, [], false)
  expect(await look({ isHeldElsewhere: true })).toEqual([])
  expect(watch.fault).toBeNull()
  expect(watch.orphanCount).toBe(0)
  expect(await look({ isHeldElsewhere: true, messageCount: 10 })).toEqual([
    expect.stringMatching(/is full .*because another instance has paused it: resume it there$/),
  ])
  expect(watch.fault).toBe("audit is full and paused by another instance (10 of 10 events wait)")
  expect(await look({})).toEqual([expect.stringMatching(/^queue orphaned/)])
})

test("a predefined queue without a module is a fault while it holds events, and is logged once", async () => {
  const { watch, look } = watching()
  const name = "voice_events"
  expect(await look({ name })).toEqual([])
  expect(watch.fault).toBeNull()
  const told = expect.stringMatching(
    /^no handler module for voice_events: events wait there until they expire or the queue is full; add a module/,
  )
  expect(await look({ name, messageCount: 1 })).toEqual([told])
  expect(watch.fault).toBe("voice_events has no handler module (1 of 10 events wait)")
  expect(await look({ name, messageCount: 2 })).toEqual([])
  expect(await look({ name })).toEqual([])
  expect(watch.fault).toBeNull()
  await look({ name, messageCount: 10 })
  expect(watch.fault).toBe("voice_events is full and has no handler module (10 of 10 events wait)")
  expect(watch.orphanCount).toBe(0)
  await look({ name, consumerCount: 1 })
  expect(await look({ name, messageCount: 1 })).toEqual([told])
})

test("a predefined queue that gets copies of a module's events is logged at the first look, before it holds any", async () => {
  const { watch, look } = watching({}, ["audit.ts"])
  const name = "voice_events"
  expect(await look({ name, bindings: ["events.voice.#"] })).toEqual([
    expect.stringContaining(
      "no handler module for voice_events (copies of events that audit.ts binds to another queue arrive there): ",
    ),
  ])
  expect(watch.fault).toBeNull()
  const others = ["user_events", "custom_events"].map((each) => ({
    name: each,
    bindings: ["events.voice.#"],
  }))
  expect(await look(...others)).toEqual([
    expect.stringMatching(/^no handler module for user_events, custom_events \(copies/),
  ])
})

test("a queue with a module is not orphaned: if paused, it is a fault once it is full; without its consumer, it is another check's fault", async () => {
  const { watch, look } = watching({ audit: true, calls: false })
  expect(await look({}, { name: "calls", messageCount: 10 })).toEqual([])
  expect(watch.fault).toBeNull()
  await look({ messageCount: 10 })
  expect(watch.fault).toBe("audit is full and paused (10 of 10 events wait)")
  expect(watch.explainFull("audit")).toContain("resume it")
})

test("an unbound orphaned queue gets no events, and is not a fault", async () => {
  const { watch, look } = watching()
  await look({ bindings: [] })
  expect(watch.fault).toBeNull()
  expect(watch.orphanCount).toBe(1)
})

test("the last look stays in force while the engine is away", async () => {
  const { watch, look } = watching()
  await look({})
  expect(await look(null)).toEqual([])
  expect(watch.fault).toContain("audit is orphaned")
})

test("a fault names ten queues and counts the others", async () => {
  const { watch, look } = watching()
  await look(...Array.from({ length: 12 }, (_, n) => ({ name: `q${n}` })))
  expect(watch.fault).toEndWith("; and 2 more")
})

test("a fault whose figures are old says how old they are", async () => {
  const { watch, look } = watching()
  const now = spyOn(performance, "now").mockReturnValue(10_000)
  try {
    await look({ messageCount: 1 })
    now.mockReturnValue(10_900)
    expect(watch.fault).toBe("audit is orphaned (1 of 10 events wait)")
    now.mockReturnValue(13_000)
    expect(watch.fault).toBe("audit is orphaned (1 of 10 events wait); as of 3 s ago")
  } finally {
    now.mockRestore()
  }
})
