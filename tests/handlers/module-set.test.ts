import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { findModuleFiles } from "../../src/handlers/module-files.ts"
import { buildModuleSet } from "../../src/handlers/module-set.ts"
import { BUNDLING } from "../support/bundling.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

type Exports = Readonly<Record<string, unknown>>

/** Builds the modules of a folder with these files, and loads them from the bundle alone. */
async function load(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const set = await buildModuleSet(await findModuleFiles(folder.path), BUNDLING)
  const code = URL.createObjectURL(new Blob([set.code], { type: "text/javascript" }))
  const { modules }: { readonly modules: readonly (() => Promise<Exports>)[] } = await import(code)
  /** Loads a module. Resolves with its default export. */
  const loaded = async (place: number): Promise<unknown> => {
    const module = modules[place]
    if (module === undefined) throw new Error(`there is no module ${place}`)
    return (await module())["default"]
  }
  return { folder, set, loaded }
}

const manifest = (fields: object) => JSON.stringify({ name: "pack", version: "1.0.0", ...fields })

describe("a module set", () => {
  test("has the code of all imports: files, packages, JSON and text", async () => {
    const { folder, set, loaded } = await load({
      "a.ts": `import pack from "pack"
        import { part } from "./lib/_part.ts"
        import data from "./data.json"
        import text from "./note.txt"
        export default [pack, part, data.n, text]`,
      "lib/_part.ts": "export const part: string = 'part'",
      "data.json": '{"n":5}',
      "note.txt": "note",
      "node_modules/pack/package.json": manifest({ main: "index.js" }),
      "node_modules/pack/index.js": "module.exports = 'pack'",
    })
    folder[Symbol.dispose]()
    expect(await loaded(0)).toEqual(["pack", "part", 5, "note"])
    const names = set.sources.map((path) => path.slice(folder.path.length + 1))
    expect(names.toSorted()).toEqual(["a.ts", "data.json", "lib/_part.ts", "note.txt"])
  })

  test("loads a file that several modules import once, and each module when it is asked for", async () => {
    const { folder, loaded } = await load({
      "_shared.ts": "export const state = { loads: [] as string[] }",
      "a.ts": 'import { state } from "./_shared.ts"; state.loads.push("a"); export default state',
      "b.ts": 'import { state } from "./_shared.ts"; await 0; state.loads.push("b"); export default state',
    })
    const first = await loaded(0)
    expect(first).toEqual({ loads: ["a"] })
    const second = await loaded(1)
    expect(second).toBe(first)
    expect(second).toEqual({ loads: ["a", "b"] })
    folder[Symbol.dispose]()
  })

  test("gives each file its own import.meta, and keeps positions", async () => {
    const { folder, loaded } = await load({
      "a.ts": `import { below } from "./lib/_below.ts"
        const own = [import.meta.url, import.meta.dir, import.meta.filename, import.meta.main]
        const near = import.meta.resolve("./lib/_below.ts")
        export default { own, near, below, fail() { throw new Error(import.meta.file) } }`,
      "lib/_below.ts": "export const below = [import.meta.path, import.meta.dirname]",
    })
    const { own, near, below, fail } = (await loaded(0)) as {
      readonly [name: string]: unknown
      readonly fail: () => void
    }
    const [a, lib] = [join(folder.path, "a.ts"), join(folder.path, "lib")]
    expect(own).toEqual([pathToFileURL(a).href, folder.path, a, false])
    expect(near).toBe(pathToFileURL(join(lib, "_below.ts")).href)
    expect(below).toEqual([join(lib, "_below.ts"), lib])
    try {
      fail()
      expect.unreachable()
    } catch (error) {
      expect(String(error)).toBe("Error: a.ts")
      expect((error as Error).stack).toContain(`${a}:4:`)
    }
    folder[Symbol.dispose]()
  })

  test.each([
    ["a file of native code", manifest({ main: "index.js" }), "exports.path = require.resolve('./x.node')"],
    ["the folder of a package with native code", manifest({ main: "index.js", gypfile: true }), ""],
    [
      "the folder of a package that finds native code",
      manifest({ main: "index.js", dependencies: { "node-gyp-build": "4.0.0" } }),
      "",
    ],
    [
      "the folder of a package that has others for each platform",
      manifest({ main: "index.js", optionalDependencies: { "@pack/linux-x64-gnu": "1.0.0" } }),
      "",
    ],
  ])("leaves %s where it is", async (_, packageFile, more) => {
    const { folder, loaded } = await load({
      "a.ts": 'import pack from "pack"; export default pack',
      "node_modules/pack/package.json": packageFile,
      "node_modules/pack/index.js": `exports.at = __dirname; exports.near = require("./near.js"); ${more}`,
      "node_modules/pack/near.js": "module.exports = 'near'",
      "node_modules/pack/x.node": "",
    })
    const at = join(folder.path, "node_modules", "pack")
    const pack = await loaded(0)
    expect(pack).toMatchObject({ at, near: "near", ...(more !== "" && { path: join(at, "x.node") }) })
    folder[Symbol.dispose]()
  })

  test("imports with no method of Promise, and gets exports that inherit nothing: a module may have replaced both", async () => {
    const { folder, loaded } = await load({
      "a.ts": "await 0\nexport default () => import('./lib/_late.ts')",
      "b.ts": "export default 'b'",
      "lib/_late.ts": "export const late = await 'late'",
    })
    const changed = [Promise, Promise.prototype] as const
    const own = changed.map((of) => Object.getOwnPropertyDescriptors(of))
    const broken = { value: () => expect.unreachable() }
    const taken: unknown[] = []
    let late: Exports = {}
    try {
      Object.defineProperty(Promise, "resolve", broken)
      // biome-ignore lint/suspicious/noThenProperty: what a handler module may do.
      Object.defineProperty(Promise.prototype, "then", broken)
      const importLate = (await loaded(0)) as () => Promise<Exports>
      late = await importLate()
      taken.push(late["late"], await loaded(1))
    } finally {
      Object.defineProperties(Promise, own[0] ?? {})
      Object.defineProperties(Promise.prototype, own[1] ?? {})
    }
    expect(taken).toEqual(["late", "b"])
    expect(Object.getPrototypeOf(late)).toBeNull()
    folder[Symbol.dispose]()
  })

  test("reads variables when the code runs", async () => {
    const { folder, loaded } = await load({
      "a.ts": "export default () => [process.env.NODE_ENV, process.env.MODULE_SET_TEST]",
    })
    process.env["MODULE_SET_TEST"] = "later"
    const read = (await loaded(0)) as () => unknown
    expect(read()).toEqual([process.env["NODE_ENV"], "later"])
    delete process.env["MODULE_SET_TEST"]
    folder[Symbol.dispose]()
  })

  test("has a generation that changes with the code of any of its files, and only with it", async () => {
    const files = {
      "a.ts": 'import { part } from "./_part.ts"; export default part',
      "_part.ts": "export const part = 1",
    }
    using folder = temporaryFolder()
    const build = async (changed: Readonly<Record<string, string>> = {}) => {
      for (const [name, text] of Object.entries({ ...files, ...changed }))
        writeFileSync(join(folder.path, name), text)
      return (await buildModuleSet(await findModuleFiles(folder.path), BUNDLING)).generation
    }
    const first = await build()
    expect(await build()).toBe(first)
    const second = await build({ "_part.ts": "export const part = 2" })
    expect(second).not.toBe(first)
    expect(await build({ "c.ts": "export default 1" })).not.toBe(first)
  })

  test("without modules has a generation, too", async () => {
    const set = await buildModuleSet([], BUNDLING)
    expect(set).toMatchObject({ generation: "none", files: [], sources: [] })
  })
})
