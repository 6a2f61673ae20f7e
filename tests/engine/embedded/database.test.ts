import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE, openStore } from "../../../src/engine/embedded/store/database.ts"
import { EngineStartError } from "../../../src/engine/errors.ts"
import { ChildProcess } from "../../support/child-process.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"

const OPEN_STORE = new URL("../../support/open-store.ts", import.meta.url)

/** Returns the sentence with which a folder is refused. */
function refusalOf(dataDir: string): string {
  try {
    openStore(dataDir)[Symbol.dispose]()
  } catch (error) {
    expect(error).toBeInstanceOf(EngineStartError)
    return error instanceof Error ? error.message : ""
  }
  throw new Error("the folder was accepted")
}

describe("the store's folder", () => {
  test("is created with its parents if it is missing", async () => {
    using folder = temporaryFolder()
    const dataDir = join(folder.path, "a", "b")
    await EmbeddedEngine.open({ dataDir }).close()
    await EmbeddedEngine.open({ dataDir }).close()
  })

  test("is created private, and an existing one keeps its permissions", async () => {
    using folder = temporaryFolder()
    const dataDir = join(folder.path, "made")
    openStore(dataDir)[Symbol.dispose]()
    expect(modeOf(dataDir)).toBe(0o700)
    chmodSync(dataDir, 0o755)
    openStore(dataDir)[Symbol.dispose]()
    expect(modeOf(dataDir)).toBe(0o755)
  })

  test("is refused while another process uses it, and accepted after that process is killed", async () => {
    using folder = temporaryFolder()
    await using child = new ChildProcess(OPEN_STORE, [folder.path])
    await child.printed(1)
    expect(refusalOf(folder.path)).toMatch(/^DATA_DIR .* is in use by another process/)
    expect(refusalOf(folder.path)).toContain(folder.path)
    await child.kill()
    await EmbeddedEngine.open({ dataDir: folder.path }).close()
  })

  test("stays with the process that uses it when another one tries", async () => {
    using folder = temporaryFolder()
    const engine = EmbeddedEngine.open({ dataDir: folder.path })
    await engine.declareQueues([queueDeclaration("calls")])
    await using child = new ChildProcess(OPEN_STORE, [folder.path])
    const { code, errors } = await child.exited()
    expect(code).not.toBe(0)
    expect(errors).toContain("EngineStartError")
    expect(errors).toContain("is in use by another process")
    await engine.publish(newEvent({ routing_key: "calls" }))
    await engine.close()
  })

  test("is refused while this process already uses it", async () => {
    using folder = temporaryFolder()
    const engine = EmbeddedEngine.open({ dataDir: folder.path })
    expect(refusalOf(folder.path)).toContain("DATA_DIR")
    await engine.close()
  })

  test("is refused if it is a file", () => {
    using folder = temporaryFolder()
    const dataDir = join(folder.path, "file")
    writeFileSync(dataDir, "in the way")
    expect(refusalOf(dataDir)).toContain(`DATA_DIR ${dataDir}`)
    expect(refusalOf(join(dataDir, "below"))).toContain(`DATA_DIR ${dataDir}`)
  })

  test("is refused if the store's file is a folder", () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, DATABASE_FILE))
    expect(refusalOf(folder.path)).toContain(`DATA_DIR ${folder.path}`)
  })
})

describe("the store's file", () => {
  test("is refused if it is not a database, and left unchanged", () => {
    using folder = temporaryFolder()
    const file = join(folder.path, DATABASE_FILE)
    const text = "a diary, not a database\n".repeat(1_000)
    writeFileSync(file, text)
    expect(refusalOf(folder.path)).toContain(`${file} is not an Event Broker store`)
    expect(readFileSync(file, "utf8")).toBe(text)
  })

  test("is made private together with its companions", async () => {
    using folder = temporaryFolder()
    const modes = (): readonly (readonly [string, number])[] =>
      readdirSync(folder.path).map((name) => [name, modeOf(join(folder.path, name))])
    const engine = EmbeddedEngine.open({ dataDir: folder.path })
    await engine.declareQueues([queueDeclaration("calls")])
    await engine.publish(newEvent({ routing_key: "calls" }))
    expect(modes().length).toBeGreaterThan(4)
    expect(modes().filter(([, mode]) => mode !== 0o600)).toEqual([])
    await engine.close()
    for (const name of readdirSync(folder.path)) chmodSync(join(folder.path, name), 0o644)
    writeFileSync(join(folder.path, `${DATABASE_FILE}-wal`), "", { mode: 0o644 })
    using store = openStore(folder.path)
    expect(store.database.filename).toContain(DATABASE_FILE)
    expect(modes().filter(([, mode]) => mode !== 0o600)).toEqual([])
  })

  test("is refused if its format is newer, and still accepted by that version", () => {
    using folder = temporaryFolder()
    openStore(folder.path)[Symbol.dispose]()
    const file = join(folder.path, DATABASE_FILE)
    setFormat(file, 8)
    expect(refusalOf(folder.path)).toMatch(/has format 8, but this Event Broker supports format 7/)
    setFormat(file, 7)
    openStore(folder.path)[Symbol.dispose]()
  })

  test("is accepted in an earlier format, with its events", async () => {
    using folder = temporaryFolder()
    const before = EmbeddedEngine.open({ dataDir: folder.path })
    await before.declareQueues([queueDeclaration("calls")])
    const old = newEvent({ routing_key: "calls" })
    await before.publish(old)
    await before.close()
    const file = join(folder.path, DATABASE_FILE)
    const database = new Database(file)
    database.run("ALTER TABLE events DROP COLUMN trace")
    database.run("ALTER TABLE events DROP COLUMN layout")
    for (const table of ["events", "queues"]) database.run(`ALTER TABLE ${table} DROP COLUMN checksum`)
    for (const table of ["store", "clock", "facts", "receipts"]) database.run(`DROP TABLE ${table}`)
    database.close()
    setFormat(file, 1)
    const after = EmbeddedEngine.open({ dataDir: folder.path })
    const inbox = new Inbox(after, "calls")
    expect(await inbox.next()).toMatchObject({ body: JSON.stringify(old), trace: null })
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await after.publish(newEvent({ routing_key: "calls" }), { trace: { traceparent, tracestate: null } })
    expect(await inbox.next()).toMatchObject({ trace: { traceparent } })
    await after.close()
    openStore(folder.path)[Symbol.dispose]()
  })

  test("is synced and copied only by the sync thread, not by this connection", () => {
    using folder = temporaryFolder()
    using store = openStore(folder.path)
    const pragma = (name: string) =>
      store.database.prepare<Record<string, unknown>, []>(`PRAGMA ${name}`).get()
    expect(pragma("journal_mode")).toEqual({ journal_mode: "wal" })
    expect(pragma("synchronous")).toEqual({ synchronous: 0 })
    expect(pragma("wal_autocheckpoint")).toEqual({ wal_autocheckpoint: 0 })
  })
})

const modeOf = (path: string): number => statSync(path).mode & 0o777

function setFormat(file: string, version: number): void {
  using database = new Database(file)
  database.run(`PRAGMA user_version = ${version}`)
}
