import { expect, test } from "bun:test"
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { FactJournal } from "../../../../src/engine/rabbitmq/history/fact-journal.ts"
import { type TemporaryFolder, temporaryFolder } from "../../../support/temporary-folder.ts"

const line = (text = "hello"): string => JSON.stringify({ payload: { text } })

const encoded = (...lines: readonly string[]): Buffer =>
  Buffer.from(lines.map((each) => `${each}\n`).join(""))

const [ONE, TWO, THREE] = [1, 2, 3].map(() => Bun.randomUUIDv7()) as [string, string, string]

/** Opens a journal as another process would. */
function open({ path }: TemporaryFolder) {
  const told: unknown[] = []
  const journal = FactJournal.open(path, (_, message) => told.push(message))
  if (journal === null) throw new Error("the folder was not accepted")
  return { journal, told, left: journal.takeLeft(), [Symbol.dispose]: () => journal.close() }
}

const filesOf = ({ path }: TemporaryFolder) => readdirSync(path).map((name) => join(path, name))
const fullFileOf = (folder: TemporaryFolder) => filesOf(folder).find((each) => statSync(each).size > 0) ?? ""
const bytesIn = (folder: TemporaryFolder) =>
  filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0)

test("the next process gets what was not forgotten, byte for byte, and keeps it until it forgets it", () => {
  using folder = temporaryFolder()
  const [a, b, c, d] = [line("日本\u2028"), line("b"), line("c"), line("d")]
  {
    using first = open(folder)
    expect(first.left).toEqual([])
    expect(first.journal.add(ONE, encoded(a))).toBe(true)
    first.journal.add(TWO, encoded(b))
    first.journal.add(ONE, encoded(c, d))
  }
  const lines = [a, c, d]
  for (const _ of ["the first", "another, because the first ended at once"]) {
    using next = open(folder)
    expect(next.left).toEqual([
      { token: ONE, lines },
      { token: TWO, lines: [b] },
    ])
    expect(next.told).toEqual([])
  }
  {
    using last = open(folder)
    last.journal.forget(ONE)
    last.journal.forget(TWO)
  }
  expect(bytesIn(folder)).toBe(0)
  using none = open(folder)
  expect(none.left).toEqual([])
})

test("processes that share a folder do not get what the others have", () => {
  using folder = temporaryFolder()
  using first = open(folder)
  using second = open(folder)
  first.journal.add(ONE, encoded(line()))
  second.journal.add(TWO, encoded(line()))
  using third = open(folder)
  expect(third.left).toEqual([])
  first.journal.close()
  using fourth = open(folder)
  expect(fourth.left.map(({ token }) => token)).toEqual([ONE])
  expect(filesOf(folder).map((file) => statSync(file).mode & 0o777)).toEqual(filesOf(folder).map(() => 0o600))
})

test("the files stay short while batches are forgotten, and take no more than their bound while they are not", () => {
  using folder = temporaryFolder()
  using opened = open(folder)
  const { journal } = opened
  const large = line("x".repeat(100_000))
  for (let n = 0; n < 100; n++) {
    const token = Bun.randomUUIDv7()
    expect(journal.add(token, encoded(large))).toBe(true)
    journal.forget(token)
  }
  expect(bytesIn(folder)).toBeLessThan(1_000_000)
  let count = 0
  while (count < 1_000 && journal.add(Bun.randomUUIDv7(), encoded(large))) count++
  expect(count).toBeGreaterThan(40)
  expect(bytesIn(folder)).toBeLessThan(9_000_000)
})

test.each([
  [ONE, [TWO, THREE]],
  [TWO, [ONE, THREE]],
  [THREE, [ONE, TWO]],
])("a record whose round is damaged costs itself, and is told: %s", (damaged, others) => {
  using folder = temporaryFolder()
  {
    using first = open(folder)
    for (const token of [ONE, TWO, THREE]) first.journal.add(token, encoded(line(token)))
  }
  const file = fullFileOf(folder)
  const text = readFileSync(file, "utf8")
  writeFileSync(file, text.replace(new RegExp(`(#${damaged} \\d+ \\d+) \\d+`), "$1 99"))
  using next = open(folder)
  expect(next.left.map(({ token }) => token)).toEqual(others)
  expect(next.told).toHaveLength(1)
})

test("a first record of a round that a kill cut off brings none of the round before it back", () => {
  using folder = temporaryFolder()
  let whole = Buffer.alloc(0)
  let from = 0
  {
    using first = open(folder)
    first.journal.add(ONE, encoded(line("x".repeat(50))))
    first.journal.add(TWO, encoded(line()))
    const before = readFileSync(fullFileOf(folder))
    first.journal.forget(ONE)
    first.journal.forget(TWO)
    first.journal.add(THREE, encoded(line("y".repeat(50))))
    whole = readFileSync(filesOf(folder).find((each) => statSync(each).size > 1) ?? "")
    from = whole.indexOf("yyy")
    before.copy(whole, from, from)
  }
  writeFileSync(fullFileOf(folder), whole)
  using next = open(folder)
  expect(next.left).toEqual([])
  expect(next.told).toHaveLength(1)
})

test("a damaged record costs itself, and is told", () => {
  using folder = temporaryFolder()
  {
    using first = open(folder)
    for (const token of [ONE, TWO, THREE]) first.journal.add(token, encoded(line(token)))
  }
  const file = fullFileOf(folder)
  const text = readFileSync(file, "utf8")
  writeFileSync(file, text.replace(`"text":"${TWO}"`, `"text":"${ONE}"`))
  using next = open(folder)
  expect(next.left.map(({ token }) => token)).toEqual([ONE, THREE])
  expect(next.told).toEqual(["the history may lack publishes of the last process: its journal is damaged"])
})

test.each(["", "#", "no journal\n", `#${ONE} 1 99999999999999 0\n`, "\0".repeat(100), "\n\n\n"])(
  "what follows a record, here %j, is no trouble, and a record that is not whole is told",
  (end) => {
    using folder = temporaryFolder()
    {
      using first = open(folder)
      first.journal.add(ONE, encoded(line()))
    }
    const file = fullFileOf(folder)
    const whole = readFileSync(file)
    writeFileSync(file, Buffer.concat([whole, Buffer.from(end)]))
    {
      using next = open(folder)
      expect(next.left.map(({ token }) => token)).toEqual([ONE])
      expect(next.told).toEqual([])
    }
    writeFileSync(file, whole.subarray(0, whole.length - 5))
    using cut = open(folder)
    expect(cut.left).toEqual([])
    expect(cut.told).toHaveLength(1)
  },
)

test.each(["no journal", "#\n", "\0".repeat(100), `#${ONE} 0 0 0\n`, `#${ONE} 0 1 99999999999999999999\n`])(
  "a file that has something else is told, and used: %j",
  (text) => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, "facts-1.journal"), text)
    {
      using first = open(folder)
      expect(first.left).toEqual([])
      expect(first.told).toHaveLength(1)
      first.journal.add(ONE, encoded(line()))
    }
    using next = open(folder)
    expect(next.left.map(({ token }) => token)).toEqual([ONE])
    expect(next.told).toEqual([])
  },
)

/** Opens what a process would find that is started after a kill at this moment. */
function openAsKilled(folder: TemporaryFolder) {
  const copy = temporaryFolder()
  for (const file of filesOf(folder)) copyFileSync(file, join(copy.path, basename(file)))
  const opened = open(copy)
  const [left, told] = [opened.left, opened.told]
  opened.journal.close()
  copy[Symbol.dispose]()
  return { tokens: left.map(({ token }) => token), told }
}

test("a process that is killed leaves what was added since everything was last forgotten, and nothing older", () => {
  using folder = temporaryFolder()
  using opened = open(folder)
  const { journal } = opened
  for (const [token, length] of [
    [ONE, 30],
    [TWO, 10],
    [THREE, 20],
    [ONE, 20],
  ] as const) {
    journal.add(token, encoded(line("x".repeat(length)), line("#")))
    const also = Bun.randomUUIDv7()
    journal.add(also, encoded(line("x".repeat(length))))
    expect(openAsKilled(folder)).toEqual({ tokens: [token, also], told: [] })
    journal.forget(token)
    expect(openAsKilled(folder)).toEqual({ tokens: [token, also], told: [] })
    journal.forget(also)
    expect(openAsKilled(folder)).toEqual({ tokens: [], told: [] })
  }
})

test("without a folder there is no journal, and a closed one takes and forgets nothing", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "file")
  writeFileSync(file, "")
  const told: unknown[] = []
  expect(FactJournal.open(join(file, "data"), (...each) => told.push(each))).toBeNull()
  expect(told).toHaveLength(1)
  const { journal } = open(folder)
  journal.add(ONE, encoded(line()))
  journal.close()
  expect(journal.add(TWO, encoded(line()))).toBe(false)
  journal.forget(ONE)
  using next = open(folder)
  expect(next.left.map(({ token }) => token)).toEqual([ONE])
})
