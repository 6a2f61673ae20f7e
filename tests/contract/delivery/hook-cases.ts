import { expect } from "bun:test"
import type { ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"

const POOL = { WORKER_POOL_SIZE: "2" }

/** A module whose functions need what its setup has opened. */
const withHooks = (folder: ServiceFolder, version: number): string =>
  `let connection = null
  export default {
    queue: "custom_events",
    async setup() {
      await Bun.sleep(20)
      connection = "open"
      ${folder.journal(`"setup ${version}"`)}
    },
    async teardown() {
      await Bun.sleep(20)
      ${folder.journal(`"teardown ${version} " + connection`)}
    },
    on: { "*"(event) { ${folder.journal(`"handled ${version} " + connection`)} } },
  }`

const count = (folder: ServiceFolder, line: string): number =>
  folder.journalLines().filter((each) => each === line).length

export const hookCases: readonly DeliveryCase[] = [
  {
    title:
      "run once in each worker: setup before its first event, teardown after its last, at a reload and a stop",
    async run({ folder, start }) {
      folder.write("handlers/hooked.ts", withHooks(folder, 1))
      const service = await start(POOL)
      expect(count(folder, "setup 1")).toBe(2)
      for (let n = 0; n < 20; n++) await service.publish({ name: "any" })
      await waitUntil(() => count(folder, "handled 1 open") === 20, "the events")
      folder.write("handlers/hooked.ts", withHooks(folder, 2))
      expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
      expect(count(folder, "setup 2")).toBe(2)
      await waitUntil(() => count(folder, "teardown 1 open") === 2, "the end of the first workers")
      expect(await service.stop()).toBe(0)
      expect(count(folder, "teardown 2 open")).toBe(2)
      expect(folder.journalLines().length).toBe(28)
    },
  },
  {
    title: "that fail are told: a setup rejects the reload with its place, and a teardown is logged",
    async run({ folder, start }) {
      folder.write("handlers/hooked.ts", withHooks(folder, 1))
      const service = await start(POOL)
      folder.write(
        "handlers/hooked.ts",
        `export default {
          queue: "custom_events",
          setup() { throw new Error("no database") },
          on: { "*"() {} },
        }`,
      )
      const refused = await service.post("/api/v1/modules/reload", {})
      expect(refused.status).toBe(422)
      expect(await refused.json()).toMatchObject({
        errors: [{ module: "hooked.ts", line: 3, message: "its `setup` threw an error: Error: no database" }],
      })
      folder.write(
        "handlers/hooked.ts",
        `export default {
          queue: "custom_events",
          teardown() { throw new Error("still busy") },
          on: { "*"() {} },
        }`,
      )
      expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
      expect(await service.stop()).toBe(0)
      const told = service.log.filter(({ msg }) => msg === "the `teardown` of a module threw an error")
      expect(told).toHaveLength(2)
      expect(JSON.stringify(told)).toContain("still busy")
    },
  },
  {
    title: "that never end are bounded: a teardown ends with SHUTDOWN_TIMEOUT, and is logged",
    async run({ folder, start }) {
      folder.write(
        "handlers/hooked.ts",
        'export default { queue: "custom_events", teardown: () => new Promise(() => {}), on: { "*"() {} } }',
      )
      const service = await start({ ...POOL, SHUTDOWN_TIMEOUT: "300" })
      expect(await service.stop()).toBe(0)
      const told = service.log.filter(({ msg }) =>
        msg.startsWith("a worker is ended before its modules' teardown has"),
      )
      expect(told).toHaveLength(2)
    },
  },
  {
    title: "release what a worker holds whose modules are not taken into use, whatever the reason",
    async run({ folder, start }) {
      folder.write("handlers/hooked.ts", withHooks(folder, 1))
      const service = await start(POOL)
      const reload = () => service.post("/api/v1/modules/reload", {})
      const others = [
        'export default { queue: "user_events", setup() { throw new Error("no database") }, on: { "*"() {} } }',
        'export default { queue: "user_events", atempts: 1, on: { "*"() {} } }',
        'export default { queue: "none", on: { "*"() {} } }',
      ]
      for (const [place, other] of others.entries()) {
        const version = place + 2
        folder.write("handlers/hooked.ts", withHooks(folder, version))
        folder.write("handlers/other.ts", other)
        expect((await reload()).status).toBe(422)
        await waitUntil(
          () => count(folder, `teardown ${version} open`) === 1,
          "the candidate to be torn down",
        )
        expect(count(folder, `setup ${version}`)).toBe(1)
      }

      folder.write("handlers/hooked.ts", withHooks(folder, 10))
      folder.write(
        "handlers/other.ts",
        'export default { queue: "user_events", setup: () => new Promise(() => {}), on: { "*"() {} } }',
      )
      const ended = reload()
      await waitUntil(() => count(folder, "setup 10") === 1, "the setup of the candidate")
      folder.remove("handlers/other.ts")
      folder.write("handlers/hooked.ts", withHooks(folder, 11))
      expect((await reload()).status).toBe(200)
      expect((await ended).status).toBe(200)
      await waitUntil(() => count(folder, "teardown 10 open") === 1, "the candidate to be torn down")
      expect(await service.stop()).toBe(0)
      expect(count(folder, "teardown 11 open")).toBe(2)
    },
  },
]
