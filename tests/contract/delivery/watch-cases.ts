import { expect } from "bun:test"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isReady } from "../../support/counting-service.ts"
import { handledBy, versioned } from "../../support/versioned-module.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"

const WATCHING = { RELOAD: "watch" }

export const watchCases: readonly DeliveryCase[] = [
  {
    title: "an edit, a save by rename, a removal and a return of the file",
    async run({ folder, start }) {
      folder.write("handlers/versioned.ts", versioned(folder, "v1"))
      const service = await start(WATCHING)
      await handledBy(service, folder, "v1")
      folder.write("handlers/versioned.ts", versioned(folder, "v2"))
      await handledBy(service, folder, "v2")
      folder.write("handlers/.versioned.ts.swp", versioned(folder, "v3"))
      renameSync(join(folder.path, "handlers/.versioned.ts.swp"), join(folder.path, "handlers/versioned.ts"))
      await handledBy(service, folder, "v3")
      folder.remove("handlers/versioned.ts")
      await waitUntil(
        () => service.log.some(({ msg }) => msg.startsWith("no handler modules any more")),
        "the removal",
      )
      folder.write("handlers/versioned.ts", versioned(folder, "v4"))
      await handledBy(service, folder, "v4")
    },
  },
  {
    title: "an edit of a file that a module imports, below the folder and beside it",
    async run({ folder, start }) {
      folder.write("shared/part.ts", 'export const beside = "b1"')
      folder.write("handlers/lib/_part.ts", 'export const below = "l1"')
      folder.write(
        "handlers/versioned.ts",
        `import { beside } from "../shared/part.ts"
        import { below } from "./lib/_part.ts"
        export default { queue: "custom_events", on: { "*"() { ${folder.journal("beside + below")} } } }`,
      )
      const service = await start(WATCHING)
      await handledBy(service, folder, "b1l1")
      folder.write("shared/part.ts", 'export const beside = "b2"')
      await handledBy(service, folder, "b2l1")
      folder.write("handlers/lib/_part.ts", 'export const below = "l2"')
      await handledBy(service, folder, "b2l2")
    },
  },
  {
    title: "an install of a package that was missing",
    async run({ folder, start }) {
      folder.write("handlers/versioned.ts", versioned(folder, "v1"))
      const service = await start(WATCHING)
      const source = versioned(folder, "v2")
      folder.write(
        "handlers/versioned.ts",
        `import pack from "pack"\n${source.replace("*", "tried")}\nexport { pack }`,
      )
      await waitUntil(
        () => service.log.some(({ msg }) => msg === "handler modules rejected; those before stay in use"),
        "the fault",
      )
      folder.write("node_modules/pack/index.js", "module.exports = 1")
      folder.write("node_modules/pack/package.json", '{"name":"pack","main":"index.js"}')
      folder.write("node_modules/.package-lock.json", "{}")
      await handledBy(service, folder, "v2")
    },
  },
  {
    title: "a link in the folder that is swapped, as Kubernetes does with a ConfigMap",
    async run({ folder, start }) {
      const handlers = join(folder.path, "handlers")
      folder.write("handlers/..2026_1/versioned.ts", versioned(folder, "v1"))
      symlinkSync("..2026_1", join(handlers, "..data"))
      symlinkSync("..data/versioned.ts", join(handlers, "versioned.ts"))
      const service = await start(WATCHING)
      await handledBy(service, folder, "v1")
      folder.write("handlers/..2026_2/versioned.ts", versioned(folder, "v2"))
      symlinkSync("..2026_2", join(handlers, "..data_tmp"))
      renameSync(join(handlers, "..data_tmp"), join(handlers, "..data"))
      rmSync(join(handlers, "..2026_1"), { recursive: true })
      await handledBy(service, folder, "v2")
    },
  },
  {
    title: "a folder that is a link, and then points elsewhere",
    async run({ folder, start }) {
      for (const release of ["one", "two"]) {
        mkdirSync(join(folder.path, "releases", release), { recursive: true })
        writeFileSync(join(folder.path, "releases", release, "versioned.ts"), versioned(folder, release))
      }
      symlinkSync("releases/one", join(folder.path, "current"))
      const service = await start({ ...WATCHING, HANDLERS_DIR: "current" })
      await handledBy(service, folder, "one")
      symlinkSync("releases/two", join(folder.path, "next"))
      renameSync(join(folder.path, "next"), join(folder.path, "current"))
      await handledBy(service, folder, "two")
    },
  },
  {
    title: "a burst of saves, some of them broken, with few reloads",
    async run({ folder, start }) {
      folder.write("handlers/versioned.ts", versioned(folder, "v0"))
      const service = await start(WATCHING)
      for (let save = 1; save <= 100; save++) {
        const text = versioned(folder, `v${save}`)
        folder.write("handlers/versioned.ts", save % 3 === 0 ? text.slice(0, save) : text)
        await Bun.sleep(Math.random() * 10)
      }
      await handledBy(service, folder, "v100")
      await waitUntil(() => isReady(service), "every worker")
      const reloads = service.log.filter(({ msg }) => msg === "handler modules loaded")
      expect(reloads.length).toBeLessThan(50)
    },
  },
]
