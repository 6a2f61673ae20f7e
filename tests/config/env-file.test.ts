import { expect, test } from "bun:test"
import { symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readEnvFile } from "../../src/config/env-file.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

test("a file of variables has assignments, comments, empty lines and quoted values over several lines", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, ".env")
  writeFileSync(
    file,
    "\uFEFFA=1\r\n# B=2\n\nexport C=3\nD='x\ny' # z\nE: 8123\nF=\nG=a b # c\nH=it's \"h\"\n",
  )
  expect({ ...readEnvFile(file) }).toEqual({
    A: "1",
    C: "3",
    D: "x\ny",
    E: "8123",
    F: "",
    G: "a b",
    H: 'it\'s "h"',
  })
  expect({ ...readEnvFile(join(folder.path, "none")) }).toEqual({})
})

test.each([
  ["PORT 8123\n", "line 1"],
  ["A=1\nHOST\n", "line 2"],
  ["set PORT=8123\n", "line 1"],
  ['A="x\ny"\nHOST 127.0.0.1\n', "line 3"],
  ['A=1\n\n  B="x\nC=2\n', 'begins the value of B on line 3 with " and does not end it'],
  ["A='x' y\n", "begins the value of A on line 1 with ' and does not end it"],
  ["A=1\nB='x\ny'\n\n export A: 2\n", "sets A on line 1 and on line 5"],
  [Buffer.from("\uFEFFHOST=127.0.0.1\n", "utf16le"), "is not text in UTF-8"],
])("a file that says something else is not ignored: %p", (text, fault) => {
  using folder = temporaryFolder()
  const file = join(folder.path, ".env")
  writeFileSync(file, text)
  expect(() => readEnvFile(file)).toThrow(fault)
})

test("a pipe, a device and a link to nothing are refused at once", () => {
  using folder = temporaryFolder()
  const [pipe, link] = [join(folder.path, "pipe"), join(folder.path, "link")]
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0)
  symlinkSync("nowhere", link)
  expect(() => readEnvFile(pipe)).toThrow("is neither a file nor a folder")
  expect(() => readEnvFile("/dev/zero")).toThrow("is neither a file nor a folder")
  expect(() => readEnvFile(link)).toThrow("is a link to something that does not exist")
})
