import { afterAll, beforeAll, expect, jest, test } from "bun:test"
import pino from "pino"
import { TELL_INTERVAL_MS, WorkerDeaths } from "../../src/workers/worker-deaths.ts"

beforeAll(() => {
  jest.useFakeTimers()
})
afterAll(() => {
  jest.useRealTimers()
})

/** Deaths that are told to a log, and its lines. */
class ToldDeaths implements Disposable {
  readonly lines: Readonly<Record<string, unknown>>[] = []
  readonly deaths = new WorkerDeaths(
    pino({ base: null, timestamp: false }, { write: (line) => this.lines.push(JSON.parse(line)) }),
  )

  die(message: string, retryInMs = 100): void {
    this.deaths.tell({ about: { error: { name: "Error", message } }, running: 1, retryInMs })
  }

  [Symbol.dispose](): void {
    this.deaths.stop()
  }
}

test("the first death of each cause is told at once", () => {
  using told = new ToldDeaths()
  told.die("one")
  told.die("two")
  expect(told.lines).toEqual([
    {
      level: 50,
      error: { name: "Error", message: "one" },
      running: 1,
      retry_in_ms: 100,
      msg: "a worker died; it will be replaced",
    },
    expect.objectContaining({ error: { name: "Error", message: "two" } }),
  ])
})

test("later deaths of the same cause are told together, once in each interval, with their number and the latest wait", () => {
  using told = new ToldDeaths()
  for (const wait of [100, 200, 400, 800]) told.die("again", wait)
  jest.advanceTimersByTime(TELL_INTERVAL_MS - 1)
  expect(told.lines).toHaveLength(1)
  jest.advanceTimersByTime(1)
  expect(told.lines).toHaveLength(2)
  expect(told.lines[1]).toMatchObject({ deaths: 3, retry_in_ms: 800 })
  told.die("again", 1_600)
  expect(told.lines).toHaveLength(2)
  jest.advanceTimersByTime(TELL_INTERVAL_MS)
  expect(told.lines).toHaveLength(3)
  expect(told.lines[2]).toMatchObject({ retry_in_ms: 1_600 })
})

test("a death after a quiet interval is told at once, as the first of its cause", () => {
  using told = new ToldDeaths()
  told.die("again")
  jest.advanceTimersByTime(TELL_INTERVAL_MS)
  told.die("again")
  expect(told.lines).toHaveLength(2)
  expect(told.lines[1]).not.toHaveProperty("deaths")
})

test("a stop tells of the deaths that are not told yet", () => {
  const told = new ToldDeaths()
  for (let i = 0; i < 3; i++) told.die("again")
  told.deaths.stop()
  expect(told.lines).toHaveLength(2)
  expect(told.lines[1]).toMatchObject({ deaths: 2 })
  told.deaths.stop()
  expect(told.lines).toHaveLength(2)
})
