import { expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { readSchemaFiles } from "../../src/schema/schema-files.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

test("a pipe in the folder of schemas is refused, and the start does not wait for a writer", () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, "voice"))
  expect(Bun.spawnSync(["mkfifo", join(folder.path, "voice", "ended.json")]).exitCode).toBe(0)
  expect(() => readSchemaFiles(folder.path)).toThrow("it is neither a file nor a folder")
})
