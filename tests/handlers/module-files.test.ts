import { expect, test } from "bun:test"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { findModuleFiles, findOtherPrograms } from "../../src/handlers/module-files.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

test("the modules of a folder are its TypeScript and JavaScript files, sorted by name", async () => {
  using folder = temporaryFolder()
  for (const name of ["c.mts", "a.ts", "d.mjs", "b.js"]) writeFileSync(join(folder.path, name), "")
  const found = await findModuleFiles(folder.path)
  expect(found.map(({ name }) => name)).toEqual(["a.ts", "b.js", "c.mts", "d.mjs"])
  expect(found[0]?.path).toBe(pathToFileURL(join(folder.path, "a.ts")).href)
})

test("folders, declarations, other files, and files that begin with _ or . are skipped", async () => {
  using folder = temporaryFolder()
  const others = [
    "_shared.ts",
    ".hidden.ts",
    "types.d.ts",
    "types.d.mts",
    "types.d.cts",
    "notes.md",
    "package.json",
    "a.ts.bak",
  ]
  for (const name of others) writeFileSync(join(folder.path, name), "")
  mkdirSync(join(folder.path, "folder.ts"))
  writeFileSync(join(folder.path, "folder.ts", "inner.ts"), "")
  expect(await findModuleFiles(folder.path)).toEqual([])
})

test("programs with the ending of no module are found, other than those that modules import", () => {
  using folder = temporaryFolder()
  const programs = ["A.TS", "a.cjs", "b.cts", "c.jsx", "d.tsx", "e.py"]
  const others = ["a.ts", "_shared.tsx", ".hidden.py", "types.d.cts", "notes.md", "package.json", "a.ts.bak"]
  for (const name of [...programs, ...others]) writeFileSync(join(folder.path, name), "")
  mkdirSync(join(folder.path, "folder.tsx"))
  expect(findOtherPrograms(folder.path)).toEqual(programs)
})

test("a module may be a link to a file, and its folder's name may have spaces and signs", async () => {
  using folder = temporaryFolder()
  const odd = join(folder.path, "my modules #1 100%")
  mkdirSync(odd)
  writeFileSync(join(folder.path, "real.ts"), "export default 42")
  symlinkSync(join(folder.path, "real.ts"), join(odd, "linked.ts"))
  const [found] = await findModuleFiles(odd)
  expect(found?.name).toBe("linked.ts")
  expect(await import(found?.path ?? "nothing found")).toMatchObject({ default: 42 })
})

test("a missing folder gives the system's error", async () => {
  using folder = temporaryFolder()
  const missing = findModuleFiles(join(folder.path, "missing"))
  expect(await missing.catch(({ code }: NodeJS.ErrnoException) => code)).toBe("ENOENT")
})
