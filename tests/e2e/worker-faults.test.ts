import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const deaths = (service: RunningService) =>
  service.log.filter(({ msg }) => msg === "a worker died; it will be replaced")

/** Number of workers that died: a line of the log can tell of several. */
const deathCount = (service: RunningService) =>
  deaths(service).reduce((sum, line) => sum + Number(line["deaths"] ?? 1), 0)

const deadLetters = (service: RunningService) =>
  service.log.filter(({ msg }) => msg === "event is now a dead letter")

/** A module that notes the ids of its events in the journal. */
const bystander = (folder: ServiceFolder, before = ""): string =>
  `export default { queue: "system_events", retry: { attempts: 1 }, on: {
    async quiet(event, ctx) {
      ${before}
      ctx.log.info("seen", { id: event.id })
      ${folder.journal("event.id")}
      await ctx.publish({ type: "notification", name: "seen", payload: {} })
    },
  } }`

async function publishQuiet(service: RunningService, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await service.publish({ type: "system", name: "quiet" }))
  return ids
}

const BUILT_INS = [
  ["JSON.parse", "JSON.parse = broken"],
  ["JSON.stringify", "JSON.stringify = broken"],
  ["JSON", "globalThis.JSON = {}"],
  ["Promise", "globalThis.Promise = class {}"],
  ["the methods of Promise", "Promise.all = Promise.allSettled = Promise.resolve = Promise.reject = broken"],
  ["performance.now", "performance.now = broken"],
  ["setTimeout, setImmediate and queueMicrotask", "setTimeout = setImmediate = queueMicrotask = broken"],
  ["structuredClone", "globalThis.structuredClone = broken"],
  [
    "push, shift and indexOf of Array",
    "Object.assign(Array.prototype, { push: broken, shift: broken, indexOf: broken })",
  ],
  [
    "the methods of Map",
    "Object.assign(Map.prototype, { get: broken, set: broken, delete: broken, forEach: broken })",
  ],
  [
    "AsyncLocalStorage",
    "for (const name of ['run', 'getStore']) process.getBuiltinModule('node:async_hooks').AsyncLocalStorage.prototype[name] = broken",
  ],
  ["the functions of Object", "Object.assign = Object.keys = Object.hasOwn = broken"],
  [
    "toString and hasOwnProperty of Object",
    "Object.assign(Object.prototype, { toString: broken, hasOwnProperty: broken })",
  ],
] as const

test.each(BUILT_INS)("a function that replaces %s harms no event of its worker", async (_, code) => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/poison.ts",
    `const broken = () => { throw new Error("poisoned") }
    export default { queue: "custom_events", on: { poison() { ${code} } } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  await service.publish({ name: "poison" })
  const ids = await publishQuiet(service, 3)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([])
})

test("a module that replaces built-ins while it is loaded harms no event", async () => {
  await using folder = new ServiceFolder()
  const replacements = BUILT_INS.map(([, code]) => code).filter((code) => !code.includes("Object."))
  folder.write(
    "handlers/a-poison.ts",
    `const broken = () => { throw new Error("poisoned") }
    ${replacements.join("\n")}
    export default { queue: "custom_events", on: { own() {} } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const ids = await publishQuiet(service, 3)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([])
})

test("a module that breaks the worker's own code while it is loaded stops the start, and is named", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/poison.ts",
    `Array.prototype.map = () => { throw new Error("poisoned") }
    export default { queue: "custom_events", on: { own() {} } }`,
  )
  const service = folder.spawn()
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toContain("handler module poison.ts: ")
})

test("if a replaced built-in breaks the worker's own code, the worker is replaced, and no event loses its attempt", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/poison.ts",
    `export default { queue: "custom_events", on: {
      poison() { Array.prototype[Symbol.iterator] = () => { throw new Error("poisoned") } },
    } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  await service.publish({ name: "poison" })
  const ids = await publishQuiet(service, 5)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([])
  expect(deaths(service)[0]).toMatchObject({
    error: { message: "poisoned" },
    advice: expect.stringContaining("has probably replaced a built-in"),
  })
})

test("an event whose function breaks the worker's own code becomes a dead letter, and no other event does", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/poison.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      poison() { Atomics.store = () => { throw new Error("poisoned") } },
    } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const poison = await service.publish({ name: "poison" })
  const ids = await publishQuiet(service, 3)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  await waitUntil(() => deadLetters(service).length > 0, "the dead letter")
  expect(deadLetters(service)).toEqual([
    expect.objectContaining({ event_id: poison, reason: "worker-crashed" }),
  ])
})

test("a timer that a module leaves behind costs no event an attempt, and is named in the log and in the health", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/leaves.ts",
    `setInterval(() => { throw new Error("left behind") }, 30)
    export default { queue: "custom_events", on: { own() {} } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(10)"))
  const service = await folder.start()
  const ids = await publishQuiet(service, 20)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([])
  await waitUntil(() => deathCount(service) >= 20, "each worker to die again and again")
  const lines = deaths(service)
  const times = lines.map(({ time }) => Date.parse(String(time)))
  expect(lines.length).toBeLessThanOrEqual(2 + (Math.max(...times) - Math.min(...times)) / 1_000)
  expect(deaths(service)[0]).toMatchObject({
    module: "leaves.ts",
    error: { message: "left behind" },
    advice: expect.stringContaining("catch its error"),
  })
  expect(Number(deaths(service).at(-1)?.["retry_in_ms"])).toBeGreaterThanOrEqual(200)
  const { body } = await service.get("/health")
  expect(JSON.stringify(body)).toContain("soon after their start, probably because of leaves.ts")
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  expect(metrics).toMatch(/^event_broker_workers_waiting [1-5]$/m)
})

test.each([
  [
    "a rejected promise of a module",
    `setInterval(() => { void Promise.reject(new Error("left behind")) }, 30)`,
  ],
  ["process.exit in a timer of a module", "setInterval(() => { process.exit(4) }, 30)"],
  ["process.reallyExit in a timer of a module", "setInterval(() => { process.reallyExit(4) }, 30)"],
])("%s costs events of other modules no attempt", async (_, code) => {
  await using folder = new ServiceFolder()
  folder.write("handlers/leaves.ts", `${code}\nexport default { queue: "custom_events", on: { own() {} } }`)
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(10)"))
  const service = await folder.start()
  const ids = await publishQuiet(service, 10)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  await waitUntil(() => deaths(service).length > 0, "a worker to die")
  expect(deadLetters(service)).toEqual([])
  expect(deaths(service)[0]).toMatchObject({ module: "leaves.ts" })
})

test("a rejected promise of a module whose error has no stack costs events of other modules no attempt", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/leaves.ts",
    `setInterval(() => { void Promise.reject("left behind") }, 50)
    export default { queue: "custom_events", on: { own() {} } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(20)"))
  const service = await folder.start()
  const ids = await publishQuiet(service, 30)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([])
})

test("an event whose function rejects a promise without a stack becomes a dead letter, and its neighbours do not", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/rejects.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      rejects() { void Promise.reject("left behind"); return new Promise(() => {}) },
    } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(200)"))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const ids = await publishQuiet(service, 3)
  const rejects = await service.publish({ name: "rejects" })
  await waitUntil(() => deadLetters(service).length > 0, "the dead letter")
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deadLetters(service)).toEqual([
    expect.objectContaining({ event_id: rejects, reason: "worker-crashed" }),
  ])
})

test("a timer that fails after its function has ended is named with its event, and costs no other event an attempt", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/leaves.ts",
    `export default { queue: "custom_events", on: {
      leaves() { setTimeout(() => { throw "just a text" }, 50) },
    } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(200)"))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const cause = await service.publish({ name: "leaves" })
  const ids = await publishQuiet(service, 3)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deaths(service)).toEqual([
    expect.objectContaining({ event_id: cause, module: "leaves.ts", queue: "custom_events" }),
  ])
  expect(deadLetters(service)).toEqual([])
})

test("process.exit in a function costs its own event an attempt, and the log says who called it", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/exits.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      async exits() { await Bun.sleep(50); process.exit(3) },
    } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, "await Bun.sleep(200)"))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const ids = await publishQuiet(service, 3)
  const exits = await service.publish({ name: "exits" })
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  await waitUntil(() => deadLetters(service).length > 0, "the dead letter")
  const error = expect.objectContaining({ name: "ProcessExit", message: "process.exit(3) was called" })
  expect(deaths(service)).toEqual([expect.objectContaining({ event_id: exits, module: "exits.ts", error })])
  expect(deadLetters(service)).toEqual([
    expect.objectContaining({ event_id: exits, reason: "worker-crashed", module: "exits.ts", error }),
  ])
})

test("a call of a batch's context after its function has ended is in the log, with the event's id", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/batch.ts",
    `export default { queue: "custom_events", batch: { size: 5, wait: 1 }, on: {
      late([event], ctx) { setTimeout(() => ctx.retry(event.id), 50) },
    } }`,
  )
  const service = await folder.start()
  const id = await service.publish({ name: "late" })
  const line = () => service.log.find(({ msg }) => msg.startsWith("ctx.retry() was called after"))
  await waitUntil(() => line() !== undefined, "the warning")
  expect(line()).toMatchObject({
    level: "warn",
    queue: "custom_events",
    module: "batch.ts",
    fields: { event_id: id },
  })
})

test("workers load side by side, and the log names a module that loads for long", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/slow.ts",
    `${folder.journal("'begun ' + Date.now()")}
    await Bun.sleep(4_000)
    ${folder.journal("'ended ' + Date.now()")}
    export default { queue: "custom_events", on: { own() {} } }`,
  )
  const service = await folder.start()
  const times = (what: string) =>
    folder
      .journalLines()
      .filter((line) => line.startsWith(what))
      .map((line) => Number(line.slice(6)))
  expect(times("begun")).toHaveLength(5)
  expect(Math.max(...times("begun"))).toBeLessThan(Math.min(...times("ended")))
  const slow = service.log.filter(({ msg }) => msg.startsWith("loading the handler modules takes long"))
  expect(slow).toEqual([expect.objectContaining({ module: "slow.ts", seconds: 3 })])
})

test("functions that never settle hold up no event of another queue", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/hangs.ts",
    `export default { queue: "custom_events", timeout: 600_000, on: { "*": () => new Promise(() => {}) } }`,
  )
  folder.write(
    "handlers/works.ts",
    `export default { queue: "user_events", on: { "*": ({ name }) => { ${folder.journal("name")} } } }`,
  )
  const service = await folder.start({ WORKER_POOL_SIZE: "2", WORKER_PREFETCH_COUNT: "3" })
  for (let each = 0; each < 20; each++) await service.publish({ name: "hangs" })
  await waitUntil(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    return metrics.includes("\nevent_broker_deliveries_in_flight 6\n")
  }, "all slots of the queue to be taken")
  await service.publish({ type: "user", name: "login" })
  await waitUntil(() => folder.journalLines().includes("login"), "the other queue's event")
})

test.each([
  ["leaves a loop behind", "setTimeout(() => { tell(); for (;;); }, 20)"],
  [
    "replaces what the worker's own loops use",
    "tell(); Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true, value: undefined })",
  ],
])("a worker whose function %s is replaced, and the events given to it are handled", async (_, code) => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/blocks.ts",
    `const tell = () => { ${folder.journal("'blocks'")} }
    export default { queue: "voice_events", on: { "*": () => { ${code} } } }`,
  )
  folder.write(
    "handlers/works.ts",
    `export default { queue: "user_events", on: { "*": ({ id }) => { ${folder.journal("id")} } } }`,
  )
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  await service.publish({ type: "voice", name: "ended" })
  await waitUntil(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    return metrics.includes('event_broker_deliveries_total{queue="voice_events",outcome="ack"} 1')
  }, "the voice event to be handled")
  await waitUntil(() => folder.journalLines().includes("blocks"), "the worker to be blocked")
  const ids = await Promise.all(
    Array.from({ length: 5 }, () => service.publish({ type: "user", name: "login" })),
  )
  await waitUntil(() => ids.every((id) => folder.journalLines().includes(id)), "the events", 30_000)
  const line = service.log.find(({ msg }) => msg.startsWith("a worker does not call the functions"))
  expect(line).toMatchObject({ level: "error", advice: expect.stringContaining("left a loop behind") })
  expect(deadLetters(service)).toEqual([])
})
