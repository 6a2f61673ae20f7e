import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import { RESERVE_FILE } from "../../../src/engine/embedded/store/store-files.ts"
import type { Delivery, Engine, EngineStatus } from "../../../src/engine/engine.ts"
import { PublishError } from "../../../src/engine/errors.ts"
import { ChildProcess } from "../../support/child-process.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { LoopDisk } from "../../support/loop-disk.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { type SmallDisk, smallDisk } from "../../support/small-disk.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TEST_TIMEOUT_MS = 60_000

const EVENTS = 50

const NOT_STORED = { code: "engine-unavailable", outcome: "not-stored" }

/** Publishes one event. Adds its id if it is confirmed; otherwise returns the error. */
async function publishOne(engine: Engine, confirmed: string[]): Promise<PublishError | null> {
  const event = newEvent({ routing_key: "calls", payload: { text: "x".repeat(2_000) } })
  try {
    await engine.publish(event)
    confirmed.push(event.id)
    return null
  } catch (error) {
    if (error instanceof PublishError) return error
    throw error
  }
}

async function publishUntilRefused(engine: Engine, confirmed: string[]): Promise<PublishError> {
  while (true) {
    const refusal = await publishOne(engine, confirmed)
    if (refusal !== null) return refusal
  }
}

const idOf = ({ body }: { readonly body: string }): string => JSON.parse(body).id

const isReady = (engine: Engine): boolean => engine.status().state === "ready"

/** Fills the whole disk, including the engine's reserve, as another program would. */
function fillToTheLast(disk: SmallDisk): void {
  rmSync(join(disk.path, RESERVE_FILE), { force: true })
  disk.fill()
}

/** Publishes and takes some events of the queue `calls`, then lets the test fill the rest of the disk. */
async function openWithHeld(
  store: EmbeddedStore,
  {
    onStatusChange = () => {},
    inOneTurn = false,
  }: { onStatusChange?: (status: EngineStatus) => void; inOneTurn?: boolean } = {},
) {
  const engine = store.open({ onStatusChange })
  await engine.declareQueues([queueDeclaration("calls")])
  const confirmed: string[] = []
  const publish = async () => expect(await publishOne(engine, confirmed)).toBeNull()
  // In separate turns they make the log long enough to be copied into the database; in one turn they do not.
  if (inOneTurn) await Promise.all(Array.from({ length: EVENTS }, publish))
  else for (let i = 0; i < EVENTS; i++) await publish()
  const inbox = new Inbox(engine, "calls", 10)
  const held = await inbox.take(10)
  await waitUntil(() => reserveBytes(store.dataDir) > 0, "the reserve to be taken")
  return { engine, confirmed, inbox, held }
}

/** Acks each in a turn of its own, so that together they make a log of many pages. */
async function ackOneByOne(deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) await delivery.ack()
}

const reserveBytes = (dataDir: string): number =>
  statSync(join(dataDir, RESERVE_FILE), { throwIfNoEntry: false })?.size ?? 0

/** Checks the content of a closed store, apart from acked events. */
async function expectStored(store: EmbeddedStore, confirmed: readonly string[], acked: readonly string[]) {
  const reopened = store.open()
  const { messageCount } = await statsOf(reopened, "calls")
  const stored = (await new Inbox(reopened, "calls").take(messageCount)).map(idOf)
  expect(stored.toSorted()).toEqual([...new Set(confirmed).difference(new Set(acked))].toSorted())
}

describe("on a disk filled by another program", () => {
  test(
    "publishes are refused, acks continue from the reserve, and publishing resumes by itself when there is room",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const changes: EngineStatus["state"][] = []
      const { engine, confirmed, inbox, held } = await openWithHeld(store, {
        onStatusChange: ({ state }) => changes.push(state),
      })
      disk.fill()
      // Some acks are requested in the failing turn; they are too large for the space left in the log itself.
      const acks = held.slice(0, 5).map((delivery) => delivery.ack())
      await Promise.all(Array.from({ length: 1_000 }, () => publishOne(engine, confirmed)))
      expect(await publishUntilRefused(engine, confirmed)).toMatchObject(NOT_STORED)
      expect(engine.status()).toEqual({ state: "blocked", reason: expect.stringContaining("full") })
      await Promise.all([...acks, ...held.slice(5).map((delivery) => delivery.ack())])
      const more = await inbox.take(10)
      await Promise.all(more.map((delivery) => delivery.ack()))
      expect(await publishOne(engine, confirmed)).toMatchObject(NOT_STORED)

      disk.free()
      await waitUntil(() => isReady(engine), "the engine to be ready again")
      for (let i = 0; i < 50; i++) expect(await publishOne(engine, confirmed)).toBeNull()
      expect(changes).toEqual(["blocked", "ready"])
      expect(reserveBytes(disk.path)).toBeGreaterThan(0)
      await inbox.take(10)
      await engine.close()
      await expectStored(store, confirmed, [...held, ...more].map(idOf))
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "completely, acks continue in the log's own space, which is overwritten repeatedly",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const { engine, confirmed, inbox, held } = await openWithHeld(store)
      await ackOneByOne(held)
      await ackOneByOne(await inbox.take(10))
      fillToTheLast(disk)
      for (let i = 0; i < 2; i++) await ackOneByOne(await inbox.take(10))
      await waitUntil(() => engine.status().state === "blocked", "publishers to be blocked")
      expect(await publishOne(engine, confirmed)).toMatchObject(NOT_STORED)
      await ackOneByOne(await inbox.take(10))
      disk.free()
      await waitUntil(() => isReady(engine), "the engine to be ready again")
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "completely, acks wait only as long as a reader keeps the log from being overwritten",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const { engine, inbox, held } = await openWithHeld(store)
      await ackOneByOne(held)
      await ackOneByOne(await inbox.take(10))
      const reader = new Database(join(disk.path, DATABASE_FILE), { readonly: true })
      reader.run("BEGIN")
      reader.run("SELECT count(*) FROM events")
      fillToTheLast(disk)
      const acked = (async () => {
        for (let i = 0; i < 3; i++) await ackOneByOne(await inbox.take(10))
      })()
      await waitUntil(() => engine.status().state === "unavailable", "the engine to be unavailable")
      expect(Bun.peek.status(acked)).toBe("pending")
      reader.run("COMMIT")
      reader.close()
      await acked
      expect(engine.status().state).toBe("blocked")
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "completely, acks are kept until there is room if the database has to grow",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const { engine, confirmed, held } = await openWithHeld(store, { inOneTurn: true })
      fillToTheLast(disk)
      let acked = 0
      const ack = (delivery: Delivery) => delivery.ack().then(() => acked++)
      const acks = held.slice(0, 5).map(ack)
      await Promise.all(Array.from({ length: 1_000 }, () => publishOne(engine, confirmed)))
      await waitUntil(() => engine.status().state === "unavailable", "the engine to be unavailable")
      expect(await publishOne(engine, confirmed)).toMatchObject(NOT_STORED)
      expect(await statsOf(engine, "calls")).toMatchObject({
        messageCount: confirmed.length - held.length,
        unsettledCount: held.length,
        settlingCount: 5,
      })
      acks.push(...held.slice(5).map(ack))
      for (let i = 0; i < 5; i++) expect(await publishOne(engine, confirmed)).not.toBeNull()
      expect(acked).toBe(0)

      disk.free()
      await Promise.all(acks)
      await waitUntil(() => isReady(engine), "the engine to be ready again")
      expect(await publishOne(engine, confirmed)).toBeNull()
      await engine.close()
      await expectStored(store, confirmed, held.map(idOf))
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "before the store is opened, everything stored is handled",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const { engine, confirmed } = await openWithHeld(store)
      await engine.close()
      disk.fill()
      const reopened = store.open()
      await reopened.declareQueues([queueDeclaration("calls"), queueDeclaration("other")])
      const deliveries = await new Inbox(reopened, "calls").take(confirmed.length)
      await Promise.all(deliveries.map((delivery) => delivery.ack()))
      expect(reopened.status().state).toBe("blocked")
      expect(deliveries.map(idOf).toSorted()).toEqual(confirmed.toSorted())
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "confirmed events survive a kill while the disk is full",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const script = new URL("../../support/publish-until-killed.ts", import.meta.url)
      await using child = new ChildProcess(script, [disk.path])
      await child.printed(200)
      disk.fill()
      // A refused publish ends that process with its error.
      const { errors } = await child.exited()
      expect(errors).toContain("engine-unavailable")
      disk.free()
      const engine = store.open()
      const { messageCount } = await statsOf(engine, "calls")
      const stored = new Set((await new Inbox(engine, "calls", 1_000_000).take(messageCount)).map(idOf))
      expect(child.lines.filter((id) => !stored.has(id))).toEqual([])
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "the engine can be closed, and nothing of it keeps running",
    async () => {
      using disk = smallDisk()
      const script = new URL("../../support/close-on-full-disk.ts", import.meta.url)
      await using child = new ChildProcess(script, [disk.path])
      expect(await child.exited()).toEqual({ code: 0, errors: "" })
      expect(child.lines).toEqual(["closed"])
    },
    TEST_TIMEOUT_MS,
  )
})

describe("on a disk filled by the engine's own events", () => {
  test(
    "every event can become a dead letter with its error; a redrive is refused, and a purge frees space",
    async () => {
      const disk = LoopDisk.make({ sizeMiB: 8 })
      await using store = new EmbeddedStore(disk)
      const engine = store.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 1_000_000 })])
      const small = () =>
        engine.publish(newEvent({ routing_key: "calls", payload: { text: "x".repeat(200) } }))
      let stored = 0
      const client = async (): Promise<void> => {
        while (engine.status().state === "ready") {
          // A refusal ends the client through the state; other tests check its message.
          await small().then(
            () => stored++,
            () => {},
          )
        }
      }
      await Promise.all(Array.from({ length: 64 }, client))
      expect(engine.status()).toMatchObject({
        state: "blocked",
        reason: expect.stringMatching(/left, .* kept/),
      })

      const error = { name: "Error", message: "m".repeat(2_000), stack: "s".repeat(8_000) }
      const inbox = new Inbox(engine, "calls", 100)
      for (let buried = 0; buried < stored; ) {
        const batch = await inbox.take(Math.min(100, stored - buried))
        await Promise.all(batch.map((delivery) => delivery.deadLetter(deadLetterRecord({ error }))))
        buried += batch.length
      }
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: stored })
      expect(reserveBytes(disk.path)).toBeGreaterThan(0)

      if (engine.status().state === "ready") await Promise.all(Array.from({ length: 64 }, client))
      await expect(engine.redrive("calls", {})).rejects.toThrow("the disk is nearly full")
      expect(await engine.purgeDeadLetters("calls", {})).toMatchObject({ remaining: 0 })
      await waitUntil(() => isReady(engine), "publishing to go on")
      await small()
    },
    TEST_TIMEOUT_MS,
  )
})
