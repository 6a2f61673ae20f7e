import { expect, test } from "bun:test"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { FactJournal } from "../../../../src/engine/rabbitmq/history/fact-journal.ts"
import { publishedLine } from "../../../../src/event/history-fact.ts"
import { newEvent } from "../../../support/new-event.ts"
import { type TemporaryFolder, temporaryFolder } from "../../../support/temporary-folder.ts"

const line = (text = "hello") => {
  const event = Buffer.from(JSON.stringify(newEvent({ routing_key: "calls", payload: { text } })))
  return publishedLine({ at: 1, queues: ["calls"] }, event, null)
}

type Line = ReturnType<typeof line>

const textOf = ({ head, event }: Line): string => `${head}${Buffer.from(event)}}`

const [ONE, TWO, THREE] = [1, 2, 3].map(() => Bun.randomUUIDv7()) as [string, string, string]

/** Opens a journal as another process would. */
function open({ path }: TemporaryFolder) {
  const told: unknown[] = []
  const journal = FactJournal.open(path, (_, message) => told.push(message))
  if (journal === null) throw new Error("the folder was not accepted")
  return { journal, told, left: journal.takeLeft(), [Symbol.dispose]: () => journal.close() }
}

const filesOf = ({ path }: TemporaryFolder) => readdirSync(path).map((name) => join(path, name))
const bytesIn = (folder: TemporaryFolder) =>
  filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0)

test("the next process gets what was not forgotten, byte for byte, and keeps it until it forgets it", () => {
  using folder = temporaryFolder()
  const [a, b, c, d] = [line("日本\u2028"), line("b"), line("c"), line("d")]
  {
    using first = open(folder)
    expect(first.left).toEqual([])
    expect(first.journal.add(ONE, [a])).toBe(true)
    first.journal.add(TWO, [b])
    first.journal.add(ONE, [c, d])
  }
  const lines = [a, c, d].map(textOf)
  for (const _ of ["the first", "another, because the first ended at once"]) {
    using next = open(folder)
    expect(next.left).toEqual([
      { token: ONE, lines },
      { token: TWO, lines: [textOf(b)] },
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
  first.journal.add(ONE, [line()])
  second.journal.add(TWO, [line()])
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
    expect(journal.add(token, [large])).toBe(true)
    journal.forget(token)
  }
  expect(bytesIn(folder)).toBe(0)
  let count = 0
  while (count < 1_000 && journal.add(Bun.randomUUIDv7(), [large])) count++
  expect(count).toBeGreaterThan(40)
  expect(bytesIn(folder)).toBeLessThan(9_000_000)
})

test("a damaged record costs itself, and is told", () => {
  using folder = temporaryFolder()
  {
    using first = open(folder)
    for (const token of [ONE, TWO, THREE]) first.journal.add(token, [line(token)])
  }
  const file = filesOf(folder).find((each) => statSync(each).size > 0) ?? ""
  const text = readFileSync(file, "utf8")
  writeFileSync(file, text.replace(`"text":"${TWO}"`, `"text":"${ONE}"`))
  using next = open(folder)
  expect(next.left.map(({ token }) => token)).toEqual([ONE, THREE])
  expect(next.told).toEqual(["the history lacks publishes of the last process: its journal is damaged"])
})

test.each(["", "#", "no journal\n", `#${ONE} 1 99999999999999\n`, "\0".repeat(100)])(
  "a file with %j, or one that is cut off there, is no trouble",
  (end) => {
    using folder = temporaryFolder()
    {
      using first = open(folder)
      first.journal.add(ONE, [line()])
    }
    const file = filesOf(folder).find((each) => statSync(each).size > 0) ?? ""
    const whole = readFileSync(file)
    writeFileSync(file, Buffer.concat([whole, Buffer.from(end)]))
    {
      using next = open(folder)
      expect(next.left.map(({ token }) => token)).toEqual([ONE])
      expect(next.told).toHaveLength(end === "" ? 0 : 1)
    }
    writeFileSync(file, whole.subarray(0, whole.length - 5))
    using cut = open(folder)
    expect(cut.left).toEqual([])
    expect(cut.told).toHaveLength(1)
  },
)

test("without a folder there is no journal, and a closed one takes and forgets nothing", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "file")
  writeFileSync(file, "")
  const told: unknown[] = []
  expect(FactJournal.open(join(file, "data"), (...each) => told.push(each))).toBeNull()
  expect(told).toHaveLength(1)
  const { journal } = open(folder)
  journal.add(ONE, [line()])
  journal.close()
  expect(journal.add(TWO, [line()])).toBe(false)
  journal.forget(ONE)
  using next = open(folder)
  expect(next.left.map(({ token }) => token)).toEqual([ONE])
})
