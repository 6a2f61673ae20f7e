import { describe, expect, test } from "bun:test"
import type { Delivery, Engine, EngineStatus } from "../../../src/engine/engine.ts"
import { PublishError } from "../../../src/engine/errors.ts"
import { ChildProcess } from "../../support/child-process.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { smallDisk } from "../../support/small-disk.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TEST_TIMEOUT_MS = 60_000

/** Publishes one event; adds its id where it is confirmed, and returns how it was refused otherwise. */
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

describe("on a full disk", () => {
  test(
    "publishes are refused, acks are kept, and both go on by themselves once there is room",
    async () => {
      const disk = smallDisk()
      await using store = new EmbeddedStore(disk)
      const changes: EngineStatus["state"][] = []
      const engine = store.open({ onStatusChange: ({ state }) => changes.push(state) })
      await engine.declareQueues([queueDeclaration("calls")])
      const confirmed: string[] = []
      for (let i = 0; i < 50; i++) expect(await publishOne(engine, confirmed)).toBeNull()
      const inbox = new Inbox(engine, "calls", 10)
      const held = await inbox.take(10)

      disk.fill()
      let acked = 0
      const ack = (delivery: Delivery) => delivery.ack().then(() => acked++)
      // Some acks are asked for in the turn that fails, too large for what room the log itself has left.
      const acks = held.slice(0, 5).map(ack)
      await Promise.all(Array.from({ length: 1_000 }, () => publishOne(engine, confirmed)))
      expect(await publishUntilRefused(engine, confirmed)).toMatchObject({
        code: "engine-unavailable",
        outcome: "not-stored",
      })
      expect(engine.status()).toEqual({ state: "unavailable", reason: expect.stringContaining("full") })
      expect(await publishOne(engine, confirmed)).toMatchObject({
        code: "engine-unavailable",
        outcome: "not-stored",
      })
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: confirmed.length - held.length })
      acks.push(...held.slice(5).map(ack))
      for (let i = 0; i < 5; i++) expect(await publishOne(engine, confirmed)).not.toBeNull()
      expect(acked).toBe(0)

      disk.free()
      await waitUntil(() => isReady(engine), "the engine to be ready again")
      await Promise.all(acks)
      for (let i = 0; i < 50; i++) expect(await publishOne(engine, confirmed)).toBeNull()
      expect(changes).toEqual(["unavailable", "ready"])
      await inbox.take(10)
      expect(inbox.unread).toEqual([])
      await engine.close()

      const reopened = store.open()
      const { messageCount } = await statsOf(reopened, "calls")
      const stored = (await new Inbox(reopened, "calls").take(messageCount)).map(idOf)
      const expected = new Set(confirmed).difference(new Set(held.map(idOf)))
      expect(stored.toSorted()).toEqual([...expected].toSorted())
    },
    TEST_TIMEOUT_MS,
  )

  test(
    "what was confirmed is there, though the process is killed while the disk is full",
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
    "the engine can be closed, and nothing of it goes on",
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
