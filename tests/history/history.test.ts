import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { closeSync, ftruncateSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { HistoryCursorError, HistoryUnavailableError } from "../../src/history/errors.ts"
import { attempt, batchOf, published, START } from "../support/facts.ts"
import { OpenHistory } from "../support/open-history.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

const DYING = new URL("../support/dying-history-thread.ts", import.meta.url).href

const idsOf = async ({ history }: OpenHistory): Promise<readonly string[]> =>
  (await history.list({ limit: 100, newestFirst: false })).items.map(({ id }) => id)

test("what was added is applied before a query is answered, and kept across restarts", async () => {
  using folder = temporaryFolder()
  const first = new OpenHistory({}, folder)
  expect(first.history.add(batchOf([published({ id: "a" })], "one"))).toBe(true)
  expect(first.history.add(batchOf([attempt("a")], "two"))).toBe(true)
  expect(await first.history.lookup("a")).toMatchObject({ status: "completed" })
  expect([first.begun, first.applied]).toEqual([[null], ["two"]])
  first.history.add(batchOf([published({ id: "b" })], "three"))
  await first.history.close()
  expect(first.applied).toEqual(["two", "three"])
  const again = new OpenHistory({}, folder)
  expect(await idsOf(again)).toEqual(["a", "b"])
  expect(again.begun).toEqual(["three"])
  await again.history.close()
})

test("a query sees what was added while an apply was in progress", async () => {
  await using open = new OpenHistory()
  await open.history.unfinished()
  open.history.add(batchOf(Array.from({ length: 2_000 }, (_, place) => published({ id: `${place}` }))))
  const first = open.history.lookup("1999")
  open.history.add(batchOf([published({ id: "last" })]))
  expect(await open.history.lookup("last")).toMatchObject({ id: "last" })
  expect(await first).toMatchObject({ id: "1999" })
})

test("batches are applied soon without anybody asking, and a flush waits for all of them", async () => {
  await using open = new OpenHistory()
  open.history.add(batchOf([published({ id: "a" })], "one"))
  await waitUntil(() => open.applied.includes("one"), "the apply")
  const text = "x".repeat(200_000)
  for (let place = 0; place < 60; place++) {
    open.history.add(batchOf([published({ id: `${place}`, payload: { text } })], `large ${place}`))
  }
  await open.history.flush()
  expect(open.applied.at(-1)).toBe("large 59")
  expect((await idsOf(open)).length).toBe(61)
})

test("no more is wanted while too much waits, and the thread then gives way to nothing", async () => {
  let isWanted = true
  let hadRoom = 0
  await using open = new OpenHistory({ onRoom: () => hadRoom++ })
  const text = "x".repeat(1_000_000)
  let count = 0
  while (isWanted) isWanted = open.history.add(batchOf([published({ id: `${count++}`, payload: { text } })]))
  expect(count).toBeGreaterThan(60)
  await open.history.flush()
  expect(hadRoom).toBe(1)
  expect((await open.history.lookup(`${count - 1}`))?.publications).toBe(1)
  expect(open.begun).toEqual([null])
})

test("facts that can't be read are counted, and leave a gap", async () => {
  await using open = new OpenHistory()
  open.history.add({ token: "t", position: "t", text: "{" })
  await open.history.flush()
  expect(open.history.skipped).toBe(1)
  expect(open.history.gap).toContain("or can't be read")
})

test("the file is private, and a second history in the folder uses another one", async () => {
  await using one = new OpenHistory()
  one.history.add(batchOf([published({ id: "a" })]))
  await one.history.flush()
  const two = new OpenHistory({}, one.folder)
  expect(await idsOf(two)).toEqual([])
  await two.history.close()
  for (const name of ["history.db", "history-2.db"]) {
    expect(statSync(join(one.folder.path, name)).mode & 0o777).toBe(0o600)
  }
})

test("a file that is no history is set aside unchanged, and a new one is begun", async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  writeFileSync(file, "somebody's notes ".repeat(100))
  const open = new OpenHistory({}, folder)
  open.history.add(batchOf([published({ id: "a" })]))
  expect(await idsOf(open)).toEqual(["a"])
  expect(open.reported).toEqual(["warn history begun again, because its file can't be used"])
  await open.history.close()
  expect(await Bun.file(`${file}.set-aside`).text()).toStartWith("somebody's notes")
})

test("another program's database and another version's history are set aside", async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  for (const statement of ["CREATE TABLE notes (text)", "PRAGMA user_version = 99"]) {
    {
      using database = new Database(file)
      database.run(statement)
    }
    const open = new OpenHistory({}, folder)
    expect(await idsOf(open)).toEqual([])
    await open.history.close()
  }
  expect(readdirSync(folder.path).filter((name) => name.includes("set-aside"))).toHaveLength(2)
})

test("a file that turns out to be damaged is replaced while the service runs, and what waits is applied to the new one", async () => {
  await using open = new OpenHistory()
  const facts = Array.from({ length: 3_000 }, (_, place) => published({ id: `${place}` }))
  open.history.add(batchOf(facts))
  await open.history.flush()
  await open.history.close()
  const file = join(open.folder.path, "history.db")
  const descriptor = openSync(file, "r+")
  const { size } = statSync(file)
  for (let at = 8_192; at < size; at += 8_192) writeSync(descriptor, Buffer.alloc(512, 0xff), 0, 512, at)
  ftruncateSync(descriptor, size)
  closeSync(descriptor)
  const again = new OpenHistory({}, open.folder)
  again.history.add(batchOf([published({ id: "new" })], "new"))
  await waitUntil(() => again.applied.includes("new"), "the apply to another file")
  expect(await idsOf(again)).toEqual(["new"])
  expect(again.begun.at(-1)).toBeNull()
  await again.history.close()
})

test.each(["die", "throw"])(
  "a thread that ends is started again, and nothing is lost or applied twice: %s",
  async (how) => {
    await using open = new OpenHistory({ threadUrl: DYING })
    open.history.add(batchOf([published({ id: "a" }), attempt("a")]))
    await open.history.flush()
    const failed = open.history.lookup(how).then(
      () => null,
      (error: unknown) => error,
    )
    open.history.add(batchOf([attempt("a", { at: START + 900 })]))
    const error = await failed
    expect(error).toBeInstanceOf(HistoryUnavailableError)
    expect(error).toMatchObject({ code: "restarting" })
    await open.history.flush()
    expect(await open.history.lookup("a")).toMatchObject({ publications: 1, queues: [{ attempts: 2 }] })
    expect(open.reported.filter((line) => line.startsWith("error"))).toHaveLength(1)
    expect(open.begun).toEqual([null])
  },
)

test("a folder that can't be used rejects queries, never the facts, and the history begins as soon as it can", async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, "data")
  writeFileSync(dataDir, "")
  const open = new OpenHistory({ dataDir }, folder)
  expect(open.history.add(batchOf([published({ id: "a" })]))).toBe(true)
  await expect(open.history.unfinished()).rejects.toMatchObject({ code: "failed" })
  await Bun.file(dataDir).delete()
  await open.history.flush()
  expect(await idsOf(open)).toEqual(["a"])
  await open.history.close()
  await expect(open.history.lookup("a")).rejects.toMatchObject({ code: "closed" })
})

test("facts that can't be read are skipped and told, and a wrong cursor is an error of its own", async () => {
  await using open = new OpenHistory()
  open.history.add({ token: "t", position: "p", text: "nonsense" })
  await open.history.flush()
  expect(open.reported).toEqual(["warn facts skipped that the history can't read"])
  await expect(open.history.list({ limit: 1, cursor: "nonsense" })).rejects.toBeInstanceOf(HistoryCursorError)
})
