import { expect, test } from "bun:test"
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import type { Delivery, Engine } from "../../../src/engine/engine.ts"
import { EngineStartError, EngineUnavailableError } from "../../../src/engine/errors.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { FakeTime } from "../../support/fake-time.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

/** For more or other flips: `FLIPS=2000 SEED=7 bun test tests/engine/embedded/flipped-bits.test.ts`. */
const FLIPS = Number(process.env["FLIPS"] ?? 300)
const SEED = Number(process.env["SEED"] ?? 20_261_125)

/**
 * The first pages of the file hold the schema and the roots of all tables and indexes; half of the flips are
 * in them.
 */
const ROOTS_BYTES = 13 * 4_096

const TEST_TIMEOUT_MS = 300_000
const HOUR_MS = 3_600_000
/** Long enough that nothing expires. */
const TTL_MS = 1_000_000 * HOUR_MS
const QUEUES = ["calls", "archive"]
const PRIORITIES = ["low", "medium", "high", "critical"] as const

/** A closed store with waiting events, on one or two queues, small and large, retried, and dead letters. */
interface Filled {
  readonly file: string
  readonly time: FakeTime
  /** The event bodies of each queue, by its name. */
  readonly bodies: ReadonlyMap<string, ReadonlySet<string>>
}

async function fill(store: EmbeddedStore): Promise<Filled> {
  const time = new FakeTime()
  const engine = store.open({ time })
  await engine.declareQueues(
    QUEUES.map((name) => queueDeclaration(name, { bindings: [name, "both"], ttlMs: TTL_MS })),
  )
  const bodies = new Map(QUEUES.map((name) => [name, new Set<string>()]))
  for (let i = 0; i < 60; i++) {
    const key = [...QUEUES, "both"][i % 3] ?? "both"
    const text = "x".repeat(i % 10 === 0 ? 9_000 : 100)
    const event = newEvent({ routing_key: key, priority: PRIORITIES[i % 4] ?? "low", payload: { i, text } })
    await engine.publish(event)
    for (const name of QUEUES)
      if (key === name || key === "both") bodies.get(name)?.add(JSON.stringify(event))
  }
  for (const name of QUEUES) {
    const inbox = new Inbox(engine, name, 20)
    const taken = await inbox.take(20)
    await inbox.subscription.cancel()
    await Promise.all(taken.slice(0, 8).map((each) => each.deadLetter(deadLetterRecord())))
    await Promise.all(taken.slice(8, 16).map((each) => each.retry(HOUR_MS, failureRecord())))
    await Promise.all(taken.slice(16).map((each) => each.release()))
  }
  await engine.close()
  time.pass(2 * HOUR_MS)
  return { file: join(store.dataDir, DATABASE_FILE), time, bodies }
}

/** Returns numbers from 0 to 1, the same for the same seed: "mulberry32". */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const deadLetterCountOf = async (engine: Engine): Promise<number> =>
  (await engine.queueStats()).reduce((sum, { deadLetterCount }) => sum + deadLetterCount, 0)

type Outcome = "refused" | "failed" | "corrupt" | "unharmed"

/**
 * Opens the store, handles everything that it delivers, and lists the dead letters. Throws on a broken
 * promise.
 */
async function goThrough(dataDir: string, { time, bodies }: Filled): Promise<Outcome> {
  let engine: EmbeddedEngine
  try {
    engine = EmbeddedEngine.open({ dataDir, time })
  } catch (error) {
    if (error instanceof EngineStartError) return "refused"
    throw error
  }
  try {
    const handled = new Map<string, Set<string>>(QUEUES.map((name) => [name, new Set()]))
    const faults: string[] = []
    const handle = (delivery: Delivery): void => {
      const seen = handled.get(delivery.queue)
      if (!bodies.get(delivery.queue)?.has(delivery.body)) faults.push(`handled altered: ${delivery.body}`)
      else if (seen?.has(delivery.body)) faults.push(`handled twice: ${delivery.body}`)
      seen?.add(delivery.body)
      delivery.ack().catch(() => {
        // The engine has failed, which `goThrough` detects.
      })
    }
    for (const name of QUEUES) engine.consume(name, { prefetch: 5, onDelivery: handle })
    const all = [...bodies.values()].reduce((sum, { size }) => sum + size, 0)
    const isAccountedFor = async (): Promise<boolean> => {
      const done = [...handled.values()].reduce((sum, { size }) => sum + size, 0)
      return (
        engine.status().state === "failed" ||
        faults.length > 0 ||
        done + (await deadLetterCountOf(engine)) === all
      )
    }
    await waitUntil(isAccountedFor, "every event to be handled, or a dead letter")
    expect(faults).toEqual([])
    return await lookAtDeadLetters(engine, bodies)
  } finally {
    await engine.close()
  }
}

async function lookAtDeadLetters(engine: Engine, bodies: Filled["bodies"]): Promise<Outcome> {
  let isCorrupt = false
  try {
    for (const name of QUEUES) {
      for (const { body, failure } of await deadLettersOf(engine, name, {})) {
        if (failure.reason === "corrupt") isCorrupt = true
        else if (!bodies.get(name)?.has(body))
          throw new Error(`an altered dead letter is shown as intact: ${body}`)
      }
    }
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error
  }
  return engine.status().state === "failed" ? "failed" : isCorrupt ? "corrupt" : "unharmed"
}

test(
  `of ${FLIPS} bits flipped anywhere in the file, none gets an altered event handled or an event lost silently`,
  async () => {
    await using store = new EmbeddedStore()
    const filled = await fill(store)
    const sound = readFileSync(filled.file)
    const random = randomOf(SEED)
    const outcomes: Record<Outcome, number> = { refused: 0, failed: 0, corrupt: 0, unharmed: 0 }
    for (let i = 0; i < FLIPS; i++) {
      using folder = temporaryFolder()
      const file = join(folder.path, DATABASE_FILE)
      copyFileSync(filled.file, file)
      const bytes = Buffer.from(sound)
      const offset = Math.floor(random() * (i % 2 === 0 ? bytes.length : ROOTS_BYTES))
      const bit = Math.floor(random() * 8)
      bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset)
      writeFileSync(file, bytes)
      try {
        outcomes[await goThrough(folder.path, filled)]++
      } catch (cause) {
        const place = `bit ${bit} of byte ${offset} (page ${Math.floor(offset / 4_096) + 1}), seed ${SEED}`
        throw new Error(`flipped ${place}: ${cause instanceof Error ? cause.message : cause}`, { cause })
      }
    }
    expect(outcomes.unharmed).toBeLessThan(FLIPS)
    expect(outcomes.corrupt).toBeGreaterThan(0)
    expect(outcomes.refused).toBeGreaterThan(0)
  },
  TEST_TIMEOUT_MS,
)
