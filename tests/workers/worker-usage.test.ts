import { expect, test } from "bun:test"
import { WorkerUsage } from "../../src/workers/worker-usage.ts"

test("the share of the CPU is that since an answer two seconds ago or more, and first that since the start", () => {
  let now = 0
  const usage = new WorkerUsage(() => now)
  expect(usage.cpu).toBeNull()
  now = 10_000
  usage.answer(5_000, 1_000)
  expect(usage).toMatchObject({ heapBytes: 5_000, cpu: { share: 0.1, overMs: 10_000 } })
  now = 11_000
  usage.answer(6_000, 1_500)
  expect(usage).toMatchObject({ heapBytes: 6_000, cpu: { share: 0.5, overMs: 1_000 } })
  now = 12_000
  usage.answer(6_000, 1_600)
  expect(usage.cpu).toEqual({ share: 0.3, overMs: 2_000 })
  now = 13_000
  usage.answer(6_000, 2_600)
  expect(usage.cpu).toEqual({ share: 1, overMs: 1_000 })
})

test("a worker is asked once until it answers, and does not respond after a second", async () => {
  let now = 0
  let asked = 0
  const usage = new WorkerUsage(() => now)
  const first = usage.ask(() => asked++)
  const second = usage.ask(() => asked++)
  expect(asked).toBe(1)
  now = 999
  expect(usage.isResponding).toBe(true)
  now = 1_000
  expect(usage.isResponding).toBe(false)
  usage.answer(1, 1)
  await Promise.all([first, second])
  expect(usage.isResponding).toBe(true)
})
