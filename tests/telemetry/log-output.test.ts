import { expect, test } from "bun:test"
import { LogOutput, MAX_WAITING_BYTES } from "../../src/telemetry/log-output.ts"
import { waitUntil } from "../support/wait-until.ts"

/** A reader of standard output that takes as many bytes as the test lets it. */
class Reader {
  room: number
  #text = ""

  constructor(room: number) {
    this.room = room
  }

  readonly output: LogOutput = new LogOutput(
    (bytes) => {
      const taken = Math.min(this.room, bytes.length)
      this.room -= taken
      this.#text += Buffer.from(bytes.subarray(0, taken)).toString("latin1")
      return taken
    },
    (dropped) => this.output.write(`{"dropped":${dropped}}\n`),
  )

  get lines(): readonly string[] {
    return Buffer.from(this.#text, "latin1").toString().split("\n").slice(0, -1)
  }
}

const EVERYTHING = Number.POSITIVE_INFINITY

const line = (number: number, length = 200): string => `{"n":${number},"text":"${"é".repeat(length / 2)}"}\n`

const isGap = (text: string): boolean => text.startsWith('{"dropped":')

test("a line is written before the call returns while somebody reads", () => {
  const reader = new Reader(EVERYTHING)
  reader.output.write('{"msg":"first"}\n')
  expect(reader.lines).toEqual(['{"msg":"first"}'])
})

test("lines wait for a reader that takes a few bytes at a time, and arrive complete and in order", async () => {
  const reader = new Reader(7)
  for (let n = 0; n < 100; n++) reader.output.write(line(n))
  await waitUntil(() => {
    reader.room = 1_001
    return reader.lines.length === 100
  }, "all lines to be read")
  expect(reader.lines.map((text) => JSON.parse(text).n)).toEqual(Array.from({ length: 100 }, (_, n) => n))
  expect(reader.output.dropped).toBe(0)
})

test("without a reader the oldest lines wait in bounded memory, and the others are dropped and counted", async () => {
  const reader = new Reader(0)
  const count = 50_000
  for (let n = 0; n < count; n++) reader.output.write(line(n))
  reader.room = EVERYTHING
  await waitUntil(() => reader.lines.some(isGap), "the gap to be told")
  const kept = reader.lines.length - 1
  expect(kept).toBeGreaterThan((MAX_WAITING_BYTES * 0.9) / Buffer.byteLength(line(count)))
  expect(Buffer.byteLength(reader.lines.slice(0, -1).join("\n"))).toBeLessThanOrEqual(MAX_WAITING_BYTES)
  expect(reader.lines.at(-1)).toBe(`{"dropped":${count - kept}}`)
  expect(reader.output.dropped).toBe(count - kept)
})

test("a gap is reported in its place: after the lines before it, and before the lines after it", async () => {
  const reader = new Reader(0)
  for (let n = 0; n < 50_000; n++) reader.output.write(line(n))
  reader.room = MAX_WAITING_BYTES * 0.6
  await waitUntil(() => reader.room === 0, "some lines to be read")
  reader.output.write(line(50_000))
  reader.room = EVERYTHING
  await waitUntil(() => reader.lines.some((text) => text.startsWith('{"n":50000')), "the last line")
  const gap = reader.lines.findIndex(isGap)
  expect(reader.lines.slice(0, gap).map((text) => JSON.parse(text).n)).toEqual(
    Array.from({ length: gap }, (_, n) => n),
  )
  expect(JSON.parse(reader.lines[gap] ?? "").dropped).toBe(50_000 - gap)
  expect(reader.lines.slice(gap + 1).map((text) => JSON.parse(text).n)).toEqual([50_000])
})

test("a burst within one turn of the event loop is written as fast as it is read", () => {
  const reader = new Reader(EVERYTHING)
  const { output } = reader
  const count = (2 * MAX_WAITING_BYTES) / Buffer.byteLength(line(0))
  for (let n = 0; n < count; n++) {
    // A pipe of 64 KiB that another process empties now and then.
    if (n % 1_000 === 0) reader.room = 64 * 1024 * 16
    output.write(line(n))
  }
  expect(output.dropped).toBe(0)
})

test("a line longer than the limit on waiting lines is dropped and reported", () => {
  const reader = new Reader(EVERYTHING)
  reader.output.write(line(0, MAX_WAITING_BYTES))
  reader.output.write(line(1))
  expect(reader.lines.map((text) => text.slice(0, 12))).toEqual(['{"dropped":1', '{"n":1,"text'])
})

test("an exit writes the waiting lines if somebody reads again, and ends if nobody does", () => {
  const read = new Reader(0)
  read.output.write(line(0))
  read.room = EVERYTHING
  read.output.drain()
  expect(read.lines).toEqual([line(0).trimEnd()])
  const unread = new Reader(3)
  unread.output.write(line(0))
  unread.output.drain()
  expect(unread.lines).toEqual([])
})
