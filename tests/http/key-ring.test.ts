import { afterEach, describe, expect, test } from "bun:test"
import {
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { newKey } from "../../src/commands/new-key.ts"
import { parseKeys } from "../../src/http/access/key-file.ts"
import { KeyRing } from "../../src/http/access/key-ring.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

/** Longer than any test, because the tests call `look` themselves. */
const NEVER_MS = 2_147_483_647

const disposables: Disposable[] = []
afterEach(() => {
  for (const each of disposables.splice(0)) each[Symbol.dispose]()
})

const [first, second] = ["first", "second"].map((name) => newKey({ name, scope: ["read"] })) as [
  ReturnType<typeof newKey>,
  ReturnType<typeof newKey>,
]
const OLD = `${first.line}\n`
const NEW = `${second.line}\n`

/** Returns a ring for a file with the first key, and its log. */
function ringOf(text = OLD, name = "keys") {
  const folder = temporaryFolder()
  const file = join(folder.path, name)
  writeFileSync(file, text)
  const lines: string[] = []
  const ring = new KeyRing(file, pino({}, { write: (line) => lines.push(line) }), NEVER_MS)
  disposables.push(ring, folder)
  const log = () => lines.map((line) => JSON.parse(line) as { level: number; msg: string; reason?: string })
  return { folder: folder.path, file, ring, log, errors: () => log().filter(({ level }) => level === 50) }
}

/** Looks as often as needed for an unchanged file to take effect. */
async function lookUntilTaken(ring: KeyRing): Promise<void> {
  await ring.look()
  await ring.look()
}

const knows = (ring: KeyRing, { key }: { readonly key: string }): boolean => ring.find(key) !== null

describe("a change of the keys file is read", () => {
  const changes: readonly (readonly [string, (file: string, folder: string) => void])[] = [
    ["written in place", (file) => writeFileSync(file, NEW)],
    [
      "written in place to the same size with the same time",
      (file) => {
        const { atime, mtime, size } = statSync(file)
        writeFileSync(file, `${NEW.trimEnd().padEnd(size - 1)}\n`)
        utimesSync(file, atime, mtime)
        expect(statSync(file).mtimeMs).toBe(mtime.getTime())
      },
    ],
    [
      "replaced by a rename with an older time",
      (file) => {
        writeFileSync(`${file}.new`, NEW)
        utimesSync(`${file}.new`, 1, 1)
        renameSync(`${file}.new`, file)
      },
    ],
    [
      "deleted and created again",
      (file) => {
        unlinkSync(file)
        writeFileSync(file, NEW)
      },
    ],
  ]
  test.each(changes)("%s", async (_, change) => {
    const { file, folder, ring } = ringOf(`${OLD.trimEnd().padEnd(300)}\n`)
    change(file, folder)
    await lookUntilTaken(ring)
    expect([knows(ring, first), knows(ring, second)]).toEqual([false, true])
  })

  test("behind a symbolic link that is swapped, as Kubernetes mounts secrets", async () => {
    const { folder } = ringOf()
    for (const [version, text] of Object.entries({ "..1": OLD, "..2": NEW })) {
      mkdirSync(join(folder, version))
      writeFileSync(join(folder, version, "api-keys"), text)
      utimesSync(join(folder, version, "api-keys"), 1, 1)
    }
    symlinkSync("..1", join(folder, "..data"))
    symlinkSync("..data/api-keys", join(folder, "api-keys"))
    using ring = new KeyRing(join(folder, "api-keys"), pino({ level: "silent" }), NEVER_MS)
    symlinkSync("..2", join(folder, "..data_tmp"))
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"))
    await lookUntilTaken(ring)
    expect([knows(ring, first), knows(ring, second)]).toEqual([false, true])
  })
})

describe("the last valid keys stay in force", () => {
  const faults: readonly (readonly [string, (file: string) => void, string])[] = [
    ["away", (file) => rmSync(file), "ENOENT"],
    [
      "a folder",
      (file) => {
        rmSync(file)
        mkdirSync(file)
      },
      "not a file",
    ],
    ["empty", (file) => writeFileSync(file, ""), "has no key"],
    ["without a key", (file) => writeFileSync(file, "\n# none\n"), "has no key"],
    ["half a line", (file) => writeFileSync(file, NEW.slice(0, 50)), "line 1 is not JSON"],
    ["too large", (file) => writeFileSync(file, NEW.padEnd(4_194_305)), "larger than 4194304 bytes"],
  ]
  test.each(faults)(
    "while the file is %s; the next valid file is read without touching it again",
    async (_, spoil, reason) => {
      const { file, ring, log, errors } = ringOf()
      spoil(file)
      for (let look = 0; look < 5; look++) await ring.look()
      expect(knows(ring, first)).toBe(true)
      expect(ring.isFileGood).toBe(false)
      expect(errors()).toHaveLength(1)
      expect(errors()[0]?.reason).toContain(file)
      expect(errors()[0]?.reason).toContain(reason)
      rmSync(file, { recursive: true, force: true })
      writeFileSync(file, NEW)
      await lookUntilTaken(ring)
      expect([knows(ring, first), knows(ring, second)]).toEqual([false, true])
      expect(ring.isFileGood).toBe(true)
      expect(log().at(-1)).toMatchObject({ msg: "keys reloaded", keys: ["second"] })
    },
  )

  test("and the file is logged as usable when it has its old content again", async () => {
    const { file, ring, log, errors } = ringOf()
    renameSync(file, `${file}.away`)
    await ring.look()
    renameSync(`${file}.away`, file)
    await ring.look()
    await ring.look()
    expect(ring.isFileGood).toBe(true)
    expect(log().map(({ msg }) => msg)).toEqual([
      "keys file unusable: the keys of the last valid file stay in force",
      "keys file usable again",
    ])
    renameSync(file, `${file}.away`)
    await ring.look()
    expect(errors()).toHaveLength(2)
  })

  test("while the file is being written: a text takes effect when two looks find the same file", async () => {
    const { file, ring, log } = ringOf(OLD + NEW)
    writeFileSync(file, OLD)
    await ring.look()
    expect(knows(ring, second)).toBe(true)
    writeFileSync(file, `${OLD}${NEW}# written`)
    await ring.look()
    // The same text as two looks ago in another file.
    writeFileSync(`${file}.new`, OLD)
    renameSync(`${file}.new`, file)
    await ring.look()
    writeFileSync(`${file}.new`, OLD)
    renameSync(`${file}.new`, file)
    await ring.look()
    expect(knows(ring, second)).toBe(true)
    expect(log()).toEqual([])
    await ring.look()
    expect(knows(ring, second)).toBe(false)
  })
})

test("a key is revoked when its line is removed or changed, and not when others change", async () => {
  const third = newKey({ name: "third", scope: ["read", "admin"] })
  const { file, ring } = ringOf(OLD + NEW + third.line)
  const [kept, changed, gone] = [first, second, third].map(({ key }) => {
    const found = ring.find(key)
    if (found === null) throw new Error("the key is missing in the ring")
    return { found, signal: ring.revocationOf(found) }
  })
  writeFileSync(file, NEW.replace('["read"]', '["read","admin"]') + OLD)
  await lookUntilTaken(ring)
  expect([kept, changed, gone].map((each) => each?.signal.aborted)).toEqual([false, true, true])
  expect(gone && ring.revocationOf(gone.found).aborted).toBe(true)
})

test.each(["", "# none yet\n\n"])(
  "a file without a key is a warning at the start, until it has one: %j",
  async (text) => {
    const { file, ring, log } = ringOf(text)
    for (let look = 0; look < 3; look++) await ring.look()
    expect([knows(ring, first), ring.isFileGood]).toEqual([false, false])
    expect(log()).toEqual([
      expect.objectContaining({
        level: 40,
        msg: "keys file has no key: every request that needs one is refused",
        reason: expect.stringContaining(file),
      }),
    ])
    writeFileSync(file, OLD)
    await lookUntilTaken(ring)
    expect([knows(ring, first), ring.isFileGood]).toEqual([true, true])
  },
)

describe("a keys file is refused at the start", () => {
  const hash = "0".repeat(64)
  const cases = [
    ["not JSON", "{", "line 1 is not JSON"],
    ["an invalid hash", JSON.stringify({ name: "a", sha256: "x", scopes: ["read"] }), "sha256"],
    ["an unknown scope", JSON.stringify({ name: "a", sha256: hash, scopes: ["write"] }), "scopes"],
    ["no scope", JSON.stringify({ name: "a", sha256: hash, scopes: [] }), "scopes"],
    ["another field", JSON.stringify({ name: "a", sha256: hash, scopes: ["read"], key: "k" }), "key"],
    [
      "a key that is on two lines",
      ["a", "b"].map((name) => JSON.stringify({ name, sha256: hash, scopes: ["read"] })).join("\n"),
      "line 2: the key of b is already on another line",
    ],
    [
      "a duplicate name",
      `${newKey({ name: "a", scope: ["read"] }).line}
`.repeat(2),
      "the name a is already used",
    ],
  ] as const

  test.each(cases)("%s", (_, text, says) => {
    using folder = temporaryFolder()
    const file = join(folder.path, "keys")
    writeFileSync(file, text)
    const open = () => new KeyRing(file, pino({ level: "silent" }))
    expect(open).toThrow(says)
    expect(open).toThrow(file)
  })

  test("if it is missing, a folder, or a pipe without a writer", () => {
    using folder = temporaryFolder()
    const pipe = join(folder.path, "pipe")
    Bun.spawnSync(["mkfifo", pipe])
    for (const [file, says] of [
      ["/nowhere/keys", "ENOENT"],
      [folder.path, "not a file"],
      [pipe, "not a file"],
    ] as const) {
      expect(() => new KeyRing(file, pino({ level: "silent" }))).toThrow(
        `API_KEYS_FILE ${file} can't be read: ${says}`,
      )
    }
  })
})

test("a field that a line gives twice is refused, and one whose name is in a text is not", () => {
  const line = JSON.stringify({ name: 'the "scopes": of a', sha256: "0".repeat(64), scopes: ["read"] })
  expect(parseKeys(line, "keys")).toHaveLength(1)
  const twice = line.replace("{", '{"scopes": ["admin"],')
  expect(() => parseKeys(twice, "keys")).toThrow("API_KEYS_FILE keys, line 1: scopes occurs twice")
})

describe("a line that is not a key is explained:", () => {
  const KEY = { name: "a", sha256: "0".repeat(64), scopes: ["read"] }
  test.each([
    [[], "must be a JSON object"],
    [{}, "name is required; sha256 is required; scopes is required"],
    [
      { ...KEY, type: "voice", scope: 1 },
      "type is unknown here; did you mean types?; scope is unknown here; did you mean scopes?",
    ],
    [{ ...KEY, name: "" }, "name must have at least 1 character"],
    [
      { ...KEY, name: 7, sha256: 7 },
      "name must be a string; sha256 must be 64 lower-case hexadecimal digits",
    ],
    [{ ...KEY, scopes: "read" }, "scopes must be a list of publish, read, admin"],
    [{ ...KEY, scopes: [] }, "scopes must have at least one of publish, read, admin"],
    [{ ...KEY, scopes: ["write"] }, "scopes.0 must be one of publish, read, admin"],
    [{ ...KEY, types: null }, "types must be a list of voice, user, system, notification, custom"],
  ])("%j", (line, reason) => {
    const read = () => parseKeys(`${JSON.stringify(KEY)}\n${JSON.stringify(line)}`, "/keys")
    expect(read).toThrow(new RegExp(`^API_KEYS_FILE /keys, line 2:? ${RegExp.escape(reason)}$`))
  })
})
