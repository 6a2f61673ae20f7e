import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { EngineStartError, EngineUnavailableError, PublishError } from "../../../src/engine/errors.ts"
import { breakBodies, breakPage } from "../../support/damage.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { waitUntil } from "../../support/wait-until.ts"

/** Part of a body that takes several pages. */
const MIDDLE = "the middle of a large body"
const LARGE = { text: "x".repeat(8_000) + MIDDLE + "x".repeat(12_000) }

/** Overwrites the first page of a table in a closed store. */
function breakTable(dataDir: string, table: string): void {
  breakPage(dataDir, rootOf(join(dataDir, DATABASE_FILE), table))
}

function rootOf(file: string, table: string): number {
  using database = new Database(file)
  const row = database
    .query<{ rootpage: number }, [string]>("SELECT rootpage FROM sqlite_schema WHERE name = ?")
    .get(table)
  if (row === null) throw new Error(`there is no table ${table}`)
  return row.rootpage
}

/** Returns a closed store with an event in a queue and a dead letter. */
async function filledStore(): Promise<EmbeddedStore> {
  const store = new EmbeddedStore()
  const engine = store.open()
  await engine.declareQueues([queueDeclaration("calls")])
  await engine.publish(newEvent({ routing_key: "calls", payload: LARGE }))
  await (await new Inbox(engine, "calls").next()).deadLetter(deadLetterRecord())
  await engine.close()
  const again = store.open()
  await again.publish(newEvent({ routing_key: "calls", payload: LARGE }))
  await again.close()
  return store
}

function refusalOf(dataDir: string): string {
  try {
    void EmbeddedEngine.open({ dataDir }).close()
  } catch (error) {
    expect(error).toBeInstanceOf(EngineStartError)
    return error instanceof Error ? error.message : ""
  }
  throw new Error("the store was accepted")
}

describe("a damaged store", () => {
  test.each(["queues", "messages", "dead_letters"])(
    "is refused at the start if the table %s can't be read, with advice",
    async (table) => {
      await using store = await filledStore()
      breakTable(store.dataDir, table)
      expect(refusalOf(store.dataDir)).toMatch(
        /event-broker\.db is not an Event Broker store, or is damaged: /,
      )
      expect(refusalOf(store.dataDir)).toContain("restore a backup")
    },
  )

  test("is refused at the start if a queue declaration is not valid JSON", async () => {
    await using store = await filledStore()
    using database = new Database(join(store.dataDir, DATABASE_FILE))
    database.run("UPDATE queues SET declaration = 'x' || declaration, checksum = NULL")
    database.close()
    expect(refusalOf(store.dataDir)).toContain("damaged")
  })

  test("fails once when it meets the damage at runtime, with advice, and stays failed", async () => {
    await using store = await filledStore()
    breakBodies(store.dataDir, MIDDLE)
    const changes: EngineStatus[] = []
    const engine = store.open({ onStatusChange: (status) => changes.push(status) })
    new Inbox(engine, "calls")
    await waitUntil(() => changes.length > 0, "the engine to fail")
    const refusal: unknown = await engine.publish(newEvent({ routing_key: "calls" })).catch((error) => error)
    expect(refusal).toBeInstanceOf(PublishError)
    expect(refusal).toMatchObject({ code: "engine-unavailable", outcome: "not-stored" })
    await expect(deadLettersOf(engine, "calls", {})).rejects.toBeInstanceOf(EngineUnavailableError)
    await engine.close()
    expect(changes).toEqual([
      { state: "failed", reason: expect.stringMatching(/^the store is damaged: .*backup/) },
    ])
  })

  test("fails when a listing of its dead letters meets the damage", async () => {
    await using store = await filledStore()
    breakBodies(store.dataDir, MIDDLE)
    const changes: EngineStatus[] = []
    const engine = store.open({ onStatusChange: (status) => changes.push(status) })
    await expect(deadLettersOf(engine, "calls", {})).rejects.toBeInstanceOf(EngineUnavailableError)
    expect(changes).toEqual([{ state: "failed", reason: expect.stringContaining("the store is damaged") }])
    await engine.close()
  })
})
