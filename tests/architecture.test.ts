import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join, normalize } from "node:path"
import { Glob } from "bun"

const SRC = Bun.fileURLToPath(new URL("../src/", import.meta.url))
const MAX_LINES = 350
const EMBEDDED = "engine/embedded/"

/** Allowed imports of each part of the source, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  entry: ["main", "handlers"],
  main: [
    "app",
    "schema",
    "commands",
    "config",
    "telemetry",
    "version",
    "engine",
    "event",
    "http",
    "handlers",
  ],
  commands: ["system", "config", "telemetry", "version", "http", "history", "schema", "event", "engine"],
  app: [
    "system",
    "config",
    "telemetry",
    "version",
    "http",
    "delivery",
    "workers",
    "handlers",
    "discovery",
    "live",
    "history",
    "replay",
    "publisher",
    "service-events",
    "schema",
    "engine",
    "event",
  ],
  replay: ["system", "telemetry", "history", "engine", "event"],
  history: ["system", "telemetry", "engine", "event"],
  "service-events": ["system", "telemetry", "event"],
  console: [],
  http: [
    "console",
    "system",
    "config",
    "telemetry",
    "version",
    "live",
    "history",
    "replay",
    "publisher",
    "schema",
    "engine",
    "event",
  ],
  delivery: ["telemetry", "workers", "handlers", "schema", "engine", "event"],
  workers: ["system", "telemetry", "handlers", "engine", "event"],
  handlers: ["system", "config", "telemetry", "schema", "engine", "event"],
  discovery: ["config", "telemetry", "event"],
  live: ["engine", "event"],
  publisher: ["config", "telemetry", "schema", "engine", "event"],
  schema: ["system", "telemetry", "event"],
  engine: ["system", "config", "telemetry", "event"],
  config: ["system", "telemetry", "event"],
  telemetry: ["system", "event"],
  event: [],
  system: [],
  version: [],
}

interface Import {
  readonly from: string
  readonly to: string
}

const files = [...new Glob("**/*.{ts,tsx}").scanSync(SRC)]
  .map((file) => file.replaceAll("\\", "/"))
  .toSorted()
const textOf = (file: string): string => readFileSync(join(SRC, file), "utf8")

/** Returns the part of a file: its top folder, or the file itself at the top level. */
const partOf = (file: string): string => file.split("/")[0]?.replace(/\.tsx?$/, "") ?? file

const IMPORT = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)"([^"]+)"/g

/** Returns a file's text without comments, which contain imports as examples. */
const codeOf = (file: string): string =>
  textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")

/** Style sheets, which only the page of the console imports, are not code. */
const specifiersOf = (file: string): readonly string[] =>
  [...codeOf(file).matchAll(IMPORT)]
    .map(([, specifier = ""]) => specifier)
    .filter((specifier) => !specifier.endsWith(".css"))

const imports: readonly Import[] = files.flatMap((from) =>
  specifiersOf(from)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => ({ from, to: normalize(join(from, "..", specifier)).replaceAll("\\", "/") })),
)

const describeImports = (found: readonly Import[]): readonly string[] =>
  found.map(({ from, to }) => `${from} imports ${to}`)

test("every import resolves to a source file or to a package in package.json", () => {
  expect(imports.length).toBeGreaterThan(50)
  const strangers = imports.filter(({ to }) => !files.includes(to) && to !== "../package.json")
  expect(describeImports(strangers)).toEqual([])
})

test("every part of the source has a rule", () => {
  expect([...new Set(files.map(partOf))].filter((part) => MAY_IMPORT[part] === undefined)).toEqual([])
})

test("imports go down only: main, app, http or delivery, workers, handlers, publisher, engine, event", () => {
  const upward = imports.filter(({ from, to }) => {
    if (to.startsWith("..") || partOf(from) === partOf(to)) return false
    return !MAY_IMPORT[partOf(from)]?.includes(partOf(to))
  })
  expect(describeImports(upward)).toEqual([])
})

test("requests and deliveries do not import each other", () => {
  const deliveries = ["delivery", "workers", "handlers"]
  const across = imports.filter(({ from, to }) => {
    const parts = [partOf(from), partOf(to)]
    return parts.includes("http") && deliveries.some((part) => parts.includes(part))
  })
  expect(describeImports(across)).toEqual([])
})

/** Returns what a name imports, directly and through others. Finds each name once. */
function reachable(from: string, importedBy: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>()
  const left = [...(importedBy.get(from) ?? [])]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (found.has(next)) continue
    found.add(next)
    left.push(...(importedBy.get(next) ?? []))
  }
  return found
}

/** Returns the names that import themselves through others. */
function cyclesOf(edges: readonly Import[]): readonly string[] {
  const importedBy = new Map(
    Map.groupBy(edges, ({ from }) => from)
      .entries()
      .map(([from, each]) => [from, each.map(({ to }) => to)]),
  )
  return [...importedBy.keys()].filter((name) => reachable(name, importedBy).has(name)).toSorted()
}

test("no file imports itself through others", () => {
  expect(cyclesOf(imports)).toEqual([])
})

test("the folders of an engine import each other in one direction", () => {
  const folderOf = (file: string): string => file.split("/").slice(0, -1).join("/")
  const between = imports
    .filter(({ from, to }) => from.startsWith("engine/") && to.startsWith("engine/"))
    .map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }))
    .filter(({ from, to }) => from !== to)
  expect(cyclesOf(between)).toEqual([])
})

test("only app/engines.ts imports the embedded engine, and only hints, the store's commands and the history know its files", () => {
  const users = imports.filter(({ from, to }) => to.startsWith(EMBEDDED) && !from.startsWith(EMBEDDED))
  expect(describeImports(users)).toEqual([
    `app/engines.ts imports ${EMBEDDED}embedded-engine.ts`,
    // Reads a store that the configured engine does not use, for a warning.
    `app/start-hints.ts imports ${EMBEDDED}store/left-events.ts`,
    // Copies and rewrites a store while its service runs or is stopped, without asking an engine.
    `commands/store.ts imports ${EMBEDDED}store/maintenance.ts`,
    // Copies the events that facts refer to, on the history's thread, so that the engine's thread does not.
    `history/stored-copies.ts imports ${EMBEDDED}store/stored-events.ts`,
    `history/stored-publication.ts imports ${EMBEDDED}store/stored-events.ts`,
  ])
})

test("commands import only the store's maintenance from the engines, because they ask a service", () => {
  const users = imports.filter(({ from, to }) => partOf(from) === "commands" && partOf(to) === "engine")
  expect([...new Set(users.map(({ to }) => to))]).toEqual([`${EMBEDDED}store/maintenance.ts`])
})

test("the event imports no configuration, no telemetry, and no part of Bun or Node", () => {
  const specifiers = files.filter((file) => partOf(file) === "event").flatMap(specifiersOf)
  expect(specifiers.filter((each) => !each.startsWith("./") && each !== "valibot")).toEqual([])
})

test("only one file writes to a terminal, and only sanitized text", () => {
  const writers = files.filter((file) => /process\.std(out|err)\.write\(|\bconsole\.\w+\(/.test(codeOf(file)))
  expect(writers).toEqual(["commands/output.ts"])
})

test("the source imports nothing from the tests", () => {
  expect(files.flatMap(specifiersOf).filter((specifier) => /(^|\/)tests\//.test(specifier))).toEqual([])
})

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = files.filter((file) => textOf(file).split("\n").length - 1 > MAX_LINES)
  expect(long).toEqual([])
})
