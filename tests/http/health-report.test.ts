import { describe, expect, test } from "bun:test"
import type { HistoryState } from "../../src/history/recorded-history.ts"
import { reportHealth, type Vitals } from "../../src/http/health-report.ts"

const WELL: Vitals = {
  phase: "running",
  version: "1.2.3",
  uptimeMs: 1_500,
  engine: "embedded",
  engineStatus: { state: "ready" },
  workers: { present: 5, expected: 5 },
  poolFault: null,
  consumers: { present: 2, expected: 2 },
  paused: [],
  queueFault: null,
  generation: "5f0a91c3",
  moduleFaults: null,
  history: null,
}

const away = { state: "unavailable", reason: "RabbitMQ can't be used: connection refused" } as const

describe("a service", () => {
  test("is ready if everything expected is there", () => {
    expect(reportHealth(WELL)).toEqual({
      status: "ready",
      version: "1.2.3",
      engine: "embedded",
      uptime_seconds: 1.5,
      generation: "5f0a91c3",
      checks: {
        engine: { status: "up" },
        pool: { status: "up", detail: "5 of 5 workers" },
        consumers: { status: "up", detail: "2 of 2 queues with a handler module" },
        queues: { status: "up" },
        modules: { status: "up" },
      },
    })
  })

  test("without handler modules is ready without workers and consumers", () => {
    const none = { present: 0, expected: 0 }
    expect(reportHealth({ ...WELL, workers: none, consumers: none }).status).toBe("ready")
  })

  test("is degraded while workers end again and again, although all are ready at the moment", () => {
    const { status, checks } = reportHealth({ ...WELL, poolFault: "workers end" })
    expect(status).toBe("degraded")
    expect(checks.pool).toEqual({ status: "degraded", detail: "5 of 5 workers: workers end" })
  })

  test("is degraded while queues are paused, and names them", () => {
    const { status, checks } = reportHealth({
      ...WELL,
      consumers: { present: 1, expected: 1 },
      paused: ["voice_events", "audit"],
    })
    expect(status).toBe("degraded")
    expect(checks.consumers).toEqual({
      status: "degraded",
      detail: "1 of 3 queues with a handler module; paused on this instance: voice_events, audit",
    })
  })

  test("is unavailable with the reason while its engine is", () => {
    const { status, checks } = reportHealth({ ...WELL, engineStatus: away })
    expect(status).toBe("unavailable")
    expect(checks.engine).toEqual({ status: "down", detail: away.reason })
  })

  test("is unavailable while its engine accepts no events, even if it still delivers", () => {
    const blocked = { state: "blocked", reason: "the disk is nearly full" } as const
    const { status, checks } = reportHealth({ ...WELL, engineStatus: blocked })
    expect(status).toBe("unavailable")
    expect(checks.engine).toEqual({ status: "degraded", detail: blocked.reason })
  })

  test("is unavailable without a worker", () => {
    const { status, checks } = reportHealth({ ...WELL, workers: { present: 0, expected: 5 } })
    expect(status).toBe("unavailable")
    expect(checks.pool).toEqual({ status: "down", detail: "0 of 5 workers" })
  })

  test("is degraded with fewer workers than expected", () => {
    const { status, checks } = reportHealth({ ...WELL, workers: { present: 4, expected: 5 } })
    expect(status).toBe("degraded")
    expect(checks.pool.status).toBe("degraded")
  })

  test.each([
    { present: 1, check: "degraded" },
    { present: 0, check: "down" },
  ])("is degraded with $present of 2 consumers, because published events wait", ({ present, check }) => {
    const { status, checks } = reportHealth({ ...WELL, consumers: { present, expected: 2 } })
    expect(status).toBe("degraded")
    expect<string>(checks.consumers.status).toBe(check)
  })

  test("is degraded with a queue that nothing consumes, and names it", () => {
    const queueFault = "audit is orphaned (5 of 10 events wait)"
    const { status, checks } = reportHealth({ ...WELL, queueFault })
    expect(status).toBe("degraded")
    expect(checks.queues).toEqual({ status: "degraded", detail: queueFault })
  })

  test.each(["starting", "stopping"] as const)("that is %s reports that, whatever else is wrong", (phase) => {
    expect(reportHealth({ ...WELL, phase, engineStatus: away }).status).toBe(phase)
  })
})

test("a history that can't be kept degrades the service; one that is being read says how far it is", () => {
  const state = { failure: null, isCaughtUp: true, reachedAt: null, gap: null, dropped: 0 }
  const at = (history: HistoryState) => {
    const { status, checks } = reportHealth({ ...WELL, history })
    return [status, checks.history]
  }
  expect(at(state)).toEqual(["ready", { status: "up" }])
  expect(at({ ...state, failure: "the disk is full" })).toEqual([
    "degraded",
    { status: "degraded", detail: "the disk is full" },
  ])
  expect(at({ ...state, isCaughtUp: false })).toEqual(["ready", { status: "up", detail: "it is being read" }])
  expect(at({ ...state, gap: "it was begun again" })).toEqual([
    "ready",
    { status: "up", detail: "it was begun again" },
  ])
  expect(reportHealth(WELL).checks.history).toBeUndefined()
})
