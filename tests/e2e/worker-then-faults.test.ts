import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Replacements after which promises no longer settle, each with the name of what is replaced. */
const REPLACEMENTS = [
  ["Promise.prototype.then", "Promise.prototype.then = () => new Promise(() => {})"],
  ["Object.prototype.then", "Object.prototype.then = () => {}"],
] as const

const deadLetters = (service: RunningService) =>
  service.log.filter(({ msg }) => msg === "event is now a dead letter")

const deaths = (service: RunningService) =>
  service.log.filter(({ msg }) => msg === "a worker died; it will be replaced")

/** A module whose function needs both kinds of `then`, and notes the ids of its events in the journal at its end. */
const bystander = (folder: ServiceFolder, waitMs: number): string =>
  `const found = async () => ({ isFound: true })
  export default { queue: "system_events", timeout: 1000, retry: { attempts: 1 }, on: {
    async quiet(event) {
      await Bun.sleep(${waitMs})
      await found().then(() => {})
      ${folder.journal("event.id")}
    },
  } }`

async function publishQuiet(service: RunningService, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await service.publish({ type: "system", name: "quiet" }))
  return ids
}

test.each(REPLACEMENTS)(
  "a function that breaks %s harms no other event of its worker, and is named",
  async (name, code) => {
    await using folder = new ServiceFolder()
    folder.write(
      "handlers/poison.ts",
      `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      async poison() { await Bun.sleep(1); ${code} },
    } }`,
    )
    folder.write("handlers/quiet.ts", bystander(folder, 20))
    const service = await folder.start({ WORKER_POOL_SIZE: "1" })
    const poison = await service.publish({ name: "poison" })
    const ids = await publishQuiet(service, 3)
    await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
    await waitUntil(() => deaths(service).length > 0, "the end of the worker")
    expect(deadLetters(service).filter(({ event_id }) => event_id !== poison)).toEqual([])
    expect(deaths(service)[0]).toMatchObject({
      module: "poison.ts",
      error: { name: "BuiltInReplaced", message: expect.stringContaining(`${name} was replaced`) },
    })
  },
)

test.each(REPLACEMENTS)(
  "a timer that breaks %s costs an event that runs no attempt, at its timeout either",
  async (_, code) => {
    await using folder = new ServiceFolder()
    const marker = JSON.stringify(`${folder.path}/broken-once`)
    folder.write(
      "handlers/poison.ts",
      `import { existsSync, writeFileSync } from "node:fs"
    const poison = () => { writeFileSync(${marker}, ""); ${code} }
    export default { queue: "custom_events", on: {
      poison() { if (!existsSync(${marker})) setTimeout(poison, 100) },
    } }`,
    )
    folder.write("handlers/quiet.ts", bystander(folder, 500))
    const service = await folder.start({ WORKER_POOL_SIZE: "1" })
    await service.publish({ name: "poison" })
    const ids = await publishQuiet(service, 1)
    await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the event")
    expect(deadLetters(service)).toEqual([])
    expect(deaths(service)).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ name: "BuiltInReplaced" }) }),
    ])
  },
)

test.each(REPLACEMENTS)(
  "a module that breaks %s while it is loaded stops the start, and is named",
  async (name, code) => {
    await using folder = new ServiceFolder()
    folder.write(
      "handlers/a-poison.ts",
      `${code}; export default { queue: "custom_events", on: { own() {} } }`,
    )
    folder.write("handlers/quiet.ts", bystander(folder, 0))
    const service = folder.spawn()
    expect(await service.exited()).toBe(1)
    expect(service.stderr).toContain(`handler module a-poison.ts: replaces ${name}`)
  },
)

test("a then that calls the original one is left alone, whether a module or a function replaces it", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/wraps.ts",
    `function wrap() {
      const plain = Promise.prototype.then
      Promise.prototype.then = function (...args) { return plain.apply(this, args) }
    }
    wrap()
    export default { queue: "custom_events", on: { wrap } }`,
  )
  folder.write("handlers/quiet.ts", bystander(folder, 20))
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  await service.publish({ name: "wrap" })
  const ids = await publishQuiet(service, 3)
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "the events")
  expect(deaths(service)).toEqual([])
  expect(deadLetters(service)).toEqual([])
})
