import { expect, test } from "bun:test"
import { Batch } from "../../../../src/engine/rabbitmq/history/batch.ts"
import { LoneTail } from "../../../../src/engine/rabbitmq/history/lone-tail.ts"

const CHANNEL = {}
const WRITER = "0123456789ab"

/** A tail whose mark was found at offset 100, with this many stored batches behind it. */
function tailOf(count: number) {
  const tail = new LoneTail()
  const batches = Array.from({ length: count + 1 }, (_, index) => {
    const batch = new Batch(index === 0 ? "mark" : "facts", WRITER, 0)
    batch.sentOn = CHANNEL
    return batch
  })
  const [mark] = batches
  if (mark === undefined) throw new Error("unreachable: there is a mark")
  tail.beginWith(mark)
  for (const batch of batches) {
    tail.sent(batch)
    batch.stored()
  }
  tail.foundAt(100)
  return { tail, tokenAt: (offset: number) => batches[offset - 100]?.token ?? "" }
}

test("a batch where it has to be proves that all before it are the tail's, which then goes on behind it", async () => {
  const { tail, tokenAt } = tailOf(3)
  expect(tail.storedTo).toBe(103)
  expect(tail.find(99, "any")).toBe("before")
  expect(tail.find(102, tokenAt(102))).toBe("own")
  expect(await tail.isStoredTo(102)).toBe(true)
  const taken = [tail.takeTo(102), tail.takeTo(103)].map((placed) =>
    placed.map(({ batch, offset }) => [batch.token, offset] as const),
  )
  expect(taken).toEqual([
    [
      [tokenAt(101), 101],
      [tokenAt(102), 102],
    ],
    [[tokenAt(103), 103]],
  ])
  expect(tail.isEmpty).toBe(true)
  expect(tail.storedTo).toBeNull()
})

test("a batch that is one place too late, and another one in its place, show that others write", () => {
  const { tail, tokenAt } = tailOf(3)
  expect(tail.find(103, tokenAt(102))).toBe("foreign")
  expect(tail.find(102, "another")).toBe("foreign")
  expect(tail.find(104, tokenAt(103))).toBe("foreign")
})

test("a batch that is not stored, or follows one that is not, proves nothing", async () => {
  const { tail } = tailOf(1)
  const [lost, stored] = [new Batch("facts", WRITER, 0), new Batch("facts", WRITER, 0)]
  for (const batch of [lost, stored]) {
    batch.sentOn = CHANNEL
    tail.sent(batch)
  }
  stored.stored()
  expect(tail.storedTo).toBe(101)
  expect(tail.find(103, stored.token)).toBe("own")
  expect(await tail.isStoredTo(103)).toBe(false)
  lost.abandon()
  expect(await tail.isStoredTo(102)).toBe(false)
})

test("batches that are sent on another channel, or are too long together, are read from the stream", () => {
  for (const breakIt of [
    (batch: Batch) => {
      batch.sentOn = {}
    },
    (batch: Batch) => batch.add("x".repeat(20_000_000)),
  ]) {
    const { tail } = tailOf(2)
    expect(tail.storedTo).toBe(102)
    const batch = new Batch("facts", WRITER, 0)
    batch.sentOn = CHANNEL
    breakIt(batch)
    tail.sent(batch)
    expect(tail.isBroken).toBe(true)
    expect(tail.storedTo).toBeNull()
  }
})
