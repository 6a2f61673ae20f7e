import { describe, expect, test } from "bun:test"
import { PublishError } from "../../src/engine/errors.ts"
import { validateDraft } from "../../src/event/validate.ts"
import { newEvent } from "../support/new-event.ts"
import { RunningPool } from "../support/running-pool.ts"
import { waitUntil } from "../support/wait-until.ts"

const QUICK = "quick() {}"
const SLOW = "async slow() { mark('slow'); await until('go') }"

describe("a handler is given", () => {
  test("the event, with its number of retries", async () => {
    await using running = await RunningPool.start("tested(event) { mark('event', JSON.stringify(event)) }")
    const event = newEvent({ id: "e-1", payload: { deep: [{ text: "ä" }] }, metadata: { source: "test" } })
    expect(await running.run("tested", { body: JSON.stringify(event), attempt: 3 })).toEqual({ kind: "done" })
    expect(JSON.parse(await running.marked("event"))).toEqual({ ...event, retry_count: 2 })
  })

  test("the attempt, the last error, the queue and a signal that is not aborted", async () => {
    await using running = await RunningPool.start(
      `tested(_, { attempt, lastError, queue, signal }) {
        const isSignal = signal instanceof AbortSignal
        mark("ctx", JSON.stringify({ attempt, lastError, queue, isSignal, aborted: signal.aborted }))
      }`,
    )
    const lastError = { name: "TypeError", message: "x is not a function" }
    await running.run("tested", { attempt: 2, lastError, queue: "custom_events" })
    expect(JSON.parse(await running.marked("ctx"))).toEqual({
      attempt: 2,
      lastError,
      queue: "custom_events",
      isSignal: true,
      aborted: false,
    })
  })

  test("a heartbeat that extends the timeout of its own call, and of no other once that has ended", async () => {
    await using running = await RunningPool.start(
      `beating(_, ctx) { setInterval(() => { ctx.heartbeat(); mark("beats") }, 20) },
      async hanging() { await new Promise(() => {}) }`,
      { prefetch: 1 },
    )
    expect(await running.run("beating", { eventId: "e-1" })).toEqual({ kind: "done" })
    await running.reached("beats")
    expect(await running.run("hanging", { timeoutMs: 300 })).toEqual({ kind: "timeout", error: null })
    const message = "ctx.heartbeat() was called after the function had ended, and has no effect"
    expect(running.log.filter(({ msg }) => msg === message)).toHaveLength(1)
  })

  test("no last error on the first attempt", async () => {
    await using running = await RunningPool.start("tested(_, ctx) { mark('ctx', String(ctx.lastError)) }")
    await running.run("tested")
    expect(await running.marked("ctx")).toBe("null")
  })

  test("a log that is written with the event's id", async () => {
    await using running = await RunningPool.start(
      "tested(_, ctx) { ctx.log.warn('heard', { text: 'hello' }); ctx.log.info('plain') }",
    )
    await running.run("tested", { eventId: "e-1", attempt: 2 })
    expect(running.log).toContainEqual(
      expect.objectContaining({
        level: 40,
        msg: "heard",
        event_id: "e-1",
        queue: "custom_events",
        module: "tested.ts",
        attempt: 2,
        fields: { text: "hello" },
      }),
    )
    expect(running.log).toContainEqual(expect.objectContaining({ level: 30, msg: "plain", fields: {} }))
  })

  test("a log that keeps errors and large integers, and every field but one that can't be written", async () => {
    await using running = await RunningPool.start(
      `tested(_, ctx) {
        const loop = {}
        loop.loop = loop
        ctx.log.error("given", new TypeError("alone"))
        ctx.log.warn("field", { error: new RangeError("inside"), count: 10n })
        ctx.log.info("partly", { loop, kept: 1 })
      }`,
    )
    await running.run("tested")
    const fieldsOf = (message: string) => running.log.find(({ msg }) => msg === message)?.["fields"]
    expect(fieldsOf("given")).toMatchObject({ error: { name: "TypeError", message: "alone" } })
    expect(fieldsOf("field")).toMatchObject({ error: { name: "RangeError", message: "inside" }, count: "10" })
    expect(fieldsOf("partly")).toEqual({ loop: expect.stringContaining("can't be shown"), kept: 1 })
  })

  test("verdicts that take effect only if they are returned: the log warns of a forgotten return", async () => {
    await using running = await RunningPool.start(
      `forgotten(_, ctx) { ctx.deadLetter("no words") },
      returned(_, ctx) { return ctx.deadLetter(new Error("no words")) }`,
    )
    expect(await running.run("forgotten")).toEqual({ kind: "done" })
    expect(await running.run("returned")).toEqual({ kind: "dead-letter", reason: "Error: no words" })
    expect(running.log.filter(({ level }) => level === 40)).toEqual([
      expect.objectContaining({
        msg: "ctx.deadLetter() was called, but its result was not returned: the event counts as handled",
      }),
    ])
  })

  test("a log whose lines can begin with the fields or an error, as with pino", async () => {
    await using running = await RunningPool.start(
      `tested(_, { log }) {
        log.info({ call: "c-7" }, "ended")
        log.warn({ call: "c-8" })
        log.error(new TypeError("no host"))
        log.error(new TypeError("no host"), "given up")
        log.info({ get bad() { throw new Error("getter") }, toString() { throw new Error("text") } })
      }`,
    )
    expect(await running.run("tested")).toEqual({ kind: "done" })
    const error = expect.objectContaining({ name: "TypeError", message: "no host" })
    expect(running.log).toMatchObject([
      { msg: "ended", fields: { call: "c-7" } },
      { msg: "", fields: { call: "c-8" } },
      { msg: "TypeError: no host", fields: { error } },
      { msg: "given up", fields: { error } },
      { msg: "", fields: { bad: expect.stringContaining("can't be shown") } },
    ])
  })

  test("a log that keeps the event's id after the function has ended, as console does", async () => {
    await using running = await RunningPool.start(
      `tested(_, { log }) { setTimeout(() => { log.info("late"); console.info("later"); mark("late") }, 20) }`,
    )
    const body = JSON.stringify(newEvent({ id: "e-1" }))
    expect(await running.run("tested", { body, attempt: 2 })).toEqual({ kind: "done" })
    await running.reached("late")
    await waitUntil(() => running.log.length === 2, "the lines")
    const about = { event_id: "e-1", queue: "custom_events", module: "tested.ts", attempt: 2 }
    expect(running.log).toMatchObject([
      { ...about, msg: "late" },
      { ...about, msg: "later" },
    ])
  })

  test("verdicts of its own event: that of another fails the attempt, and one after the end is told", async () => {
    await using running = await RunningPool.start(
      `keeps(_, ctx) { globalThis.kept = ctx.deadLetter("kept"); globalThis.ctx = ctx; return ctx.retry() },
      uses() { return globalThis.kept },
      tooLate() { globalThis.ctx.retry() }`,
    )
    await running.run("keeps")
    expect(await running.run("uses")).toMatchObject({
      kind: "failed",
      error: { message: expect.stringContaining("the verdict of another event's context") },
    })
    expect(await running.run("tooLate")).toEqual({ kind: "done" })
    expect(running.log).toMatchObject([
      { level: 40, msg: "ctx.retry() was called after the function had ended, and has no effect" },
    ])
  })

  test("a warning, once, about a returned value that is not a verdict", async () => {
    await using running = await RunningPool.start(
      "tested() { return { retry: true } }, fine() { return null }",
    )
    for (const name of ["tested", "tested", "fine"]) expect(await running.run(name)).toEqual({ kind: "done" })
    expect(running.log).toMatchObject([
      { level: 40, msg: expect.stringContaining("without a meaning"), fields: { returned: "an object" } },
    ])
  })

  test("an error of its own for a follow-up event that is too large, or that JSON has no form for", async () => {
    await using running = await RunningPool.start(
      `async tested(_, ctx) {
        for (const payload of [{ text: "x".repeat(2_000_000) }, { count: 1n }]) {
          await ctx.publish({ type: "user", name: "a", payload }).catch(({ name, code, retryable }) => {
            mark("refused", JSON.stringify([name, code, retryable]))
          })
        }
      }`,
    )
    await running.run("tested")
    const refused = [["payload-too-large"], ["validation-failed"]].map(([code]) => [
      "PublishFailedError",
      code,
      false,
    ])
    expect(await running.marked("refused")).toBe(refused.map((each) => JSON.stringify(each)).join(""))
    expect(running.published).toEqual([])
  })

  test("a log that does not fail for fields that are not JSON", async () => {
    await using running = await RunningPool.start(
      "tested(_, ctx) { const self = {}; self.self = self; ctx.log.info('odd', self); ctx.log.info('big', { n: 1n }) }",
    )
    expect(await running.run("tested")).toEqual({ kind: "done" })
    expect(running.log.map(({ msg }) => msg)).toEqual(["odd", "big"])
  })
})

describe("a follow-up event", () => {
  const DRAFT = `{ type: "custom", name: "followed", payload: { n: 1 } }`

  test("is answered with the stored event", async () => {
    await using running = await RunningPool.start(
      `async tested(_, ctx) { const { id } = await ctx.publish(${DRAFT}); mark("id", id) }`,
      { publish: async () => newEvent({ id: "follow-up" }) },
    )
    expect(await running.run("tested")).toEqual({ kind: "done" })
    expect(running.published).toEqual([{ type: "custom", name: "followed", payload: { n: 1 } }])
    expect(await running.marked("id")).toBe("follow-up")
  })

  test("that is refused rejects with the code, and with whether to try again", async () => {
    const failing = `async tested(_, ctx) {
      try { await ctx.publish(${DRAFT}) }
      catch ({ name, code, retryable, message }) { mark("error", JSON.stringify({ name, code, retryable })) }
    }`
    const cases = [
      [new PublishError("queue-full", "the queue is full"), "queue-full", true],
      [new PublishError("engine-unavailable", "the disk is full"), "engine-unavailable", true],
      [new PublishError("unroutable", "no queue"), "unroutable", false],
    ] as const
    for (const [error, code, retryable] of cases) {
      await using running = await RunningPool.start(failing, { publish: () => Promise.reject(error) })
      expect(await running.run("tested")).toEqual({ kind: "done" })
      expect(JSON.parse(await running.marked("error"))).toEqual({
        name: "PublishFailedError",
        code,
        retryable,
      })
    }
  })

  test.each([
    ["awaited", "await ctx.publish({ type: 'no' })"],
    ["not awaited", "ctx.publish({ type: 'no' })"],
    ["not even JSON", "await ctx.publish({ n: 1n })"],
  ])("that is not valid fails the handler for good, and its error names the place: %s", async (_, code) => {
    await using running = await RunningPool.start(`async tested(_, ctx) { ${code} }`, {
      publish: async (draft) => newEvent(validateDraft(draft)),
    })
    expect(await running.run("tested")).toMatchObject({
      kind: "failed",
      isPermanent: true,
      error: {
        name: "PublishFailedError",
        stack: expect.stringMatching(/^PublishFailedError: .*\n +at tested \(.*tested\.ts/),
      },
    })
  })

  test("that is not awaited is stored before the handler is done", async () => {
    const stored = Promise.withResolvers<void>()
    await using running = await RunningPool.start(
      `tested(_, ctx) { ctx.publish(${DRAFT}); mark("returned") }, ${QUICK}`,
      { publish: () => stored.promise.then(() => newEvent()) },
    )
    let isDone = false
    const done = running.run("tested").finally(() => {
      isDone = true
    })
    await running.reached("returned")
    await running.run("quick")
    expect(isDone).toBe(false)
    stored.resolve()
    expect(await done).toEqual({ kind: "done" })
  })

  test("that is not awaited and is refused fails the handler, not its worker", async () => {
    await using running = await RunningPool.start(`tested(_, ctx) { ctx.publish(${DRAFT}) }, ${QUICK}`, {
      publish: () => Promise.reject(new PublishError("queue-full", "the queue is full")),
    })
    expect(await running.run("tested")).toMatchObject({ kind: "failed", isPermanent: false })
    expect(await running.run("quick")).toEqual({ kind: "done" })
  })

  const REFUSING = { publish: () => Promise.reject(new PublishError("queue-full", "the queue is full")) }

  test("that is not awaited and is refused before the handler returns fails the handler", async () => {
    await using running = await RunningPool.start(
      `async tested(_, ctx) {
        ctx.publish(${DRAFT})
        await ctx.publish(${DRAFT}).catch(() => {})
        await Bun.sleep(1)
      }, ${QUICK}`,
      REFUSING,
    )
    expect(await running.run("tested")).toMatchObject({
      kind: "failed",
      isPermanent: false,
      error: { name: "PublishFailedError", message: "the queue is full" },
    })
    expect(await running.run("quick")).toEqual({ kind: "done" })
  })

  const CAUGHT = [
    ["awaited in a try", `try { await ctx.publish(${DRAFT}) } catch {}`],
    [
      "awaited later in a try",
      `const p = ctx.publish(${DRAFT}); await Bun.sleep(1); try { await p } catch {}`,
    ],
    ["caught, not awaited", `ctx.publish(${DRAFT}).catch(() => {})`],
    [
      "one of several that settle",
      `await Promise.allSettled([ctx.publish(${DRAFT}), ctx.publish(${DRAFT})])`,
    ],
  ] as const
  test.each(CAUGHT)("that is refused does not fail a handler that catches the error: %s", async (_, code) => {
    await using running = await RunningPool.start(`async tested(_, ctx) { ${code} }`, REFUSING)
    expect(await running.run("tested")).toEqual({ kind: "done" })
  })

  test("that is published during an earlier publish is also stored before the handler is done", async () => {
    await using running = await RunningPool.start(
      `tested(_, ctx) { ctx.publish(${DRAFT}).then(() => { ctx.publish(${DRAFT}) }) }`,
    )
    expect(await running.run("tested")).toEqual({ kind: "done" })
    expect(running.published).toHaveLength(2)
  })

  const LATE = [
    ["after the function has returned", "setTimeout(() => late(ctx), 20)", { kind: "done" }],
    [
      "after the function has thrown",
      "setTimeout(() => late(ctx), 20); throw new Error('my own')",
      { kind: "failed", error: { message: "my own" } },
    ],
    ["after the timeout", "await until('over'); await late(ctx)", { kind: "timeout" }],
  ] as const
  test.each(LATE)("that comes %s is refused, and the log says so", async (_, code, outcome) => {
    await using running = await RunningPool.start(
      `async tested(_, ctx) {
        const late = (ctx) => ctx.publish(${DRAFT}).catch(({ code }) => mark("code", code))
        ${code}
      }, ${SLOW}`,
    )
    // Keeps the worker, which would otherwise end with its last job after the timeout.
    const slow = running.run("slow")
    await running.reached("slow")
    const body = JSON.stringify(newEvent({ id: "e-1" }))
    expect(await running.run("tested", { timeoutMs: 50, body })).toMatchObject(outcome)
    running.mark("over")
    await running.reached("code")
    expect(await running.marked("code")).toBe("too-late")
    running.mark("go")
    expect(await slow).toEqual({ kind: "done" })
    expect(running.published).toEqual([])
    const line = running.log.find(({ msg }) => String(msg).startsWith("ctx.publish was called when"))
    expect(line).toMatchObject({
      level: 50,
      queue: "custom_events",
      module: "tested.ts",
      event_id: "e-1",
      fields: { type: "custom", name: "followed" },
    })
    expect(JSON.stringify(line)).toContain("tested.ts:")
  })

  test("that is not awaited and is refused does not take the worker down when the handler throws", async () => {
    await using running = await RunningPool.start(
      `tested(_, ctx) { ctx.publish(${DRAFT}); throw new Error("my own") }, ${SLOW}`,
      { publish: () => Promise.reject(new PublishError("queue-full", "the queue is full")) },
    )
    const slow = running.run("slow")
    await running.reached("slow")
    expect(await running.run("tested")).toMatchObject({ kind: "failed", error: { message: "my own" } })
    running.mark("go")
    expect(await slow).toEqual({ kind: "done" })
    expect(await running.marked("slow")).toBe("x")
  })
})

describe("a handler ends", () => {
  const cases: readonly (readonly [string, string, object])[] = [
    ["done if it returns", "return", { kind: "done" }],
    ["done if it returns a value of its own", "return { kind: 'retry', delayMs: 1 }", { kind: "done" }],
    ["with a retry after its delay", "return ctx.retry({ delay: 70 })", { kind: "retry", delayMs: 70 }],
    ["with a retry after the backoff", "return ctx.retry()", { kind: "retry", delayMs: null }],
    ...(
      [
        ["ctx.retry({ delay: '10' })", 'ctx.retry: delay is a number of milliseconds, not "10"'],
        ["ctx.retry({ delay: null })", "ctx.retry: delay is a number of milliseconds, not null"],
        ["ctx.retry(500)", "ctx.retry takes { delay: milliseconds }, not 500"],
        ["ctx.retry({ dealy: 5 })", "ctx.retry has no option dealy; it has delay"],
      ] as const
    ).map(
      ([call, message]) =>
        [
          `failed where it asks for a wrong delay: ${call}`,
          `return ${call}`,
          { kind: "failed", error: { name: "TypeError", message } },
        ] as const,
    ),
    [
      "as a dead letter",
      "return ctx.deadLetter('no such call')",
      { kind: "dead-letter", reason: "no such call" },
    ],
    ["done if it does not return its verdict", "ctx.deadLetter('unused')", { kind: "done" }],
    [
      "failed where it throws",
      "throw new TypeError('broken')",
      {
        kind: "failed",
        isPermanent: false,
        error: { name: "TypeError", message: "broken", stack: expect.stringContaining("tested.ts") },
      },
    ],
    [
      "failed where it throws something that is not an error",
      "throw 'text'",
      { kind: "failed", isPermanent: false, error: { name: "string", message: "text" } },
    ],
    [
      "failed where its error can't be read",
      "throw Object.defineProperties(new Error('x'), { message: { get() { throw 1 } }, retryable: { get() { throw 2 } } })",
      {
        kind: "failed",
        isPermanent: false,
        error: { name: "Error", message: "an error whose message can't be read" },
      },
    ],
    [
      "failed where it throws a proxy that can't be read",
      "const no = () => { throw 1 }; throw new Proxy({}, { get: no, has: no, getPrototypeOf: no, ownKeys: no })",
      { kind: "failed", isPermanent: false, error: { name: "object" } },
    ],
    [
      "failed for good where its error says that it is not retryable",
      "throw Object.assign(new Error('never'), { retryable: false })",
      { kind: "failed", isPermanent: true, error: { message: "never" } },
    ],
  ]
  test.each(cases)("%s", async (_, code, expected) => {
    await using running = await RunningPool.start(`async tested(event, ctx) { ${code} }`)
    expect(await running.run("tested")).toMatchObject(expected)
  })
})
