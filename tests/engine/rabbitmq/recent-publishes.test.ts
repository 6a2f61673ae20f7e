import { describe, expect, test } from "bun:test"
import { PublishError } from "../../../src/engine/errors.ts"
import type { Mark, Once } from "../../../src/engine/once.ts"
import { RecentPublishes } from "../../../src/engine/rabbitmq/publishing/recent-publishes.ts"
import { newEvent } from "../../support/new-event.ts"

const WINDOW_MS = 1_000

const byId = (id: string): Once => ({
  marks: [{ by: "id", hash: id, fingerprint: null }],
  windowMs: WINDOW_MS,
})

const event = newEvent()
const stored = async (): Promise<void> => {}

interface Options {
  readonly maxMarks?: number
}

/** Publishes of an instance whose time passes only when the test says so. */
class Instance {
  readonly reports: unknown[] = []
  readonly publishes: RecentPublishes
  now = 0

  constructor(options: Options = {}) {
    this.publishes = new RecentPublishes({
      ...options,
      report: (level, message, fields) => this.reports.push([level, message, fields]),
      now: () => this.now,
    })
  }

  publish(once: Once, store: () => Promise<unknown> = stored) {
    return this.publishes.publish(once, event, store)
  }
}

describe("a publish whose outcome is unknown", () => {
  test("keeps its id until the outcome is known, and may then be published again", async () => {
    const instance = new Instance()
    const confirm = Promise.withResolvers<void>()
    const first = instance.publish(byId("a"), () => confirm.promise)
    let attempts = 0
    const repeated = instance.publish(byId("a"), async () => void attempts++)
    await Bun.sleep(1)
    expect(attempts).toBe(0)
    confirm.reject(new PublishError("confirm-timeout", "no confirm", "unknown"))
    await expect(first).rejects.toMatchObject({ outcome: "unknown" })
    expect(await repeated).toBeNull()
    expect(attempts).toBe(1)
    expect(await instance.publish(byId("a"))).toMatchObject({ duplicate: true })
  })

  test("lets one of many waiting repetitions through", async () => {
    const instance = new Instance()
    let attempts = 0
    const store = async (): Promise<void> => {
      if (++attempts === 1) throw new PublishError("engine-unavailable", "lost", "unknown")
    }
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => instance.publish(byId("a"), store)),
    )
    expect(attempts).toBe(2)
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1)
    expect(results.filter((each) => each.status === "fulfilled" && each.value === null)).toHaveLength(1)
  })
})

test("the events of one request do not wait for each other", async () => {
  const instance = new Instance()
  const request: Mark = { by: "request", hash: "r", fingerprint: "x" }
  const of = (n: number): Once => ({
    marks: [request, { by: "key", hash: `r${n}`, fingerprint: null }],
    windowMs: WINDOW_MS,
  })
  const never = instance.publish(of(0), () => new Promise(() => {}))
  expect(await instance.publish(of(1))).toBeNull()
  expect(await Promise.race([never, "pending"])).toBe("pending")
})

describe("memory", () => {
  test("is bounded: the oldest are forgotten first, and the log says so once in a window", async () => {
    const instance = new Instance({ maxMarks: 100 })
    for (let n = 0; n < 250; n++) {
      instance.now += 1
      await instance.publish(byId(`${n}`))
    }
    expect(await instance.publish(byId("160"))).toMatchObject({ duplicate: true })
    expect(await instance.publish(byId("10"))).toBeNull()
    expect(instance.reports).toEqual([
      [
        "warn",
        "too many publishes to recognize repetitions for DEDUPLICATION_WINDOW",
        { marks: 100, recognized_for_ms: 100 },
      ],
    ])
  })

  test("is given back after the window", async () => {
    const instance = new Instance()
    for (let n = 0; n < 100; n++) await instance.publish(byId(`${n}`))
    instance.now += WINDOW_MS
    expect(await instance.publish(byId("50"))).toBeNull()
    expect(instance.reports).toEqual([])
  })
})

describe("a publish of another instance", () => {
  const { id, type, name, routing_key, timestamp } = event
  const receipt = { id, type, name, routing_key, timestamp }

  test("is recognized once it was learnt, for the rest of its window", async () => {
    const instance = new Instance()
    instance.publishes.learn(byId("theirs").marks, receipt, WINDOW_MS / 2)
    expect(await instance.publish(byId("theirs"))).toMatchObject({ id, duplicate: true })
    instance.now += WINDOW_MS / 2
    expect(await instance.publish(byId("theirs"))).toBeNull()
  })

  test("does not replace what this instance has published", async () => {
    const instance = new Instance()
    await instance.publish(byId("ours"))
    instance.publishes.learn(byId("ours").marks, receipt, 1)
    instance.now += 1
    expect(await instance.publish(byId("ours"))).toMatchObject({ duplicate: true })
  })
})
