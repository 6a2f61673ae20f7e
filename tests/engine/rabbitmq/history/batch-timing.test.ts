import { expect, test } from "bun:test"
import { Batch, newWriterId } from "../../../../src/engine/rabbitmq/history/batch.ts"
import { BatchTiming } from "../../../../src/engine/rabbitmq/history/batch-timing.ts"
import { nextTurn } from "../../../../src/system/next-turn.ts"
import { waitUntil } from "../../../support/wait-until.ts"

function timingWith(publishesInFlight: number, isUrgent = true) {
  const sent: number[] = []
  const batch = new Batch("facts", newWriterId(), 0)
  batch.isUrgent = isUrgent
  const timing = new BatchTiming({
    publishesInFlight: () => publishesInFlight,
    send: ({ facts }) => sent.push(facts),
  })
  const add = (count: number): void => {
    for (let n = 0; n < count; n++) {
      batch.add("{}")
      timing.added(batch)
    }
  }
  timing.began(batch)
  return { batch, sent, add }
}

test("facts of few events in flight are sent at the end of their turn", async () => {
  const { sent, add } = timingWith(2)
  add(1)
  expect(sent).toEqual([])
  await nextTurn()
  expect(sent).toEqual([1])
})

test("facts beside many events in flight wait until they are those of half of them", async () => {
  const { sent, add } = timingWith(1_000)
  add(10)
  await nextTurn()
  expect(sent).toEqual([])
  add(490)
  await nextTurn()
  expect(sent[0]).toBe(500)
})

test("facts do not wait long for others", async () => {
  const { sent, add } = timingWith(1_000)
  add(10)
  await waitUntil(() => sent.length === 1, "the batch to be sent")
  expect(sent).toEqual([10])
})

test("facts that nobody waits for wait for others, whatever is in flight, until somebody does", async () => {
  const { batch, sent, add } = timingWith(2, false)
  add(10)
  await nextTurn()
  add(10)
  await nextTurn()
  expect(sent).toEqual([])
  batch.isUrgent = true
  add(1)
  await nextTurn()
  expect(sent).toEqual([21])
})

test("facts that nobody waits for do not wait long", async () => {
  const { sent, add } = timingWith(2, false)
  add(10)
  await waitUntil(() => sent.length === 1, "the batch to be sent")
  expect(sent).toEqual([10])
})
