import { describe, expect, test } from "bun:test"
import { symlinkSync } from "node:fs"
import { FROM_BINARY, FROM_SOURCE, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

describe.each([
  { from: "the binary", command: FROM_BINARY },
  { from: "the sources", command: FROM_SOURCE },
])("from $from", ({ command }) => {
  test("a module outside the repository imports a relative file and its own package", async () => {
    await using folder = new ServiceFolder(command)
    folder.write("handlers/lib/greeting.ts", 'export const greeting: string = "hello"')
    const manifest = { name: "shout", version: "1.0.0", type: "module", exports: { ".": "./dist/shout.js" } }
    folder.write("handlers/node_modules/shout/package.json", JSON.stringify(manifest))
    folder.write("handlers/node_modules/shout/dist/shout.js", "export default (text) => text.toUpperCase()")
    folder.write(
      "handlers/greet.ts",
      `import shout from "shout"
       import { greeting } from "./lib/greeting"
       export default { queue: "greetings", bind: ["events.custom.greet"], on: {
         greet(event: { payload: { who: string } }, ctx: any) { ctx.log.info(shout(greeting + " " + event.payload.who)) },
       } }`,
    )
    const service = await folder.start()
    await service.publish({ name: "greet", payload: { who: "world" } })
    await waitUntil(
      () => service.log.some(({ msg }) => msg === "HELLO WORLD"),
      "the handler's line in the log",
    )
  })
})

test("an event that a handler publishes without awaiting it is stored before the handled event is settled", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/follow.ts",
    `export default { queue: "custom_events", on: {
      cause(event, ctx) { void ctx.publish({ type: "custom", name: "effect", payload: { of: event.id } }) },
      async effect(event) { ${folder.journal("event.payload.of")} },
    } }`,
  )
  const service = await folder.start()
  const ids = await Promise.all(Array.from({ length: 100 }, () => service.publish({ name: "cause" })))
  await waitUntil(() => new Set(ids).isSubsetOf(new Set(folder.journalLines())), "every follow-up event")
})

describe("an unusable module stops the start with the name of its file", () => {
  const handler = "x() {}"
  test.each([
    {
      what: "throws when it is imported",
      source: 'throw new Error("no licence")',
      says: "no licence\n    at handlers/bad.ts:1:11\n  > 1 | throw",
    },
    { what: "has a syntax error", source: "export default {", says: "    at handlers/bad.ts:1:" },
    {
      what: "imports a package that is missing",
      source: 'import * as stripe from "stripe"\nexport default stripe.default',
      says: 'the package "stripe", which is not installed',
    },
    {
      what: "has an unknown option",
      source: `export default {\n  queue: "user_events",\n  retries: 3,\n  on: { ${handler} },\n}`,
      says: "unknown option `retries`; did you mean `retry`?\n    at handlers/bad.ts:3:3\n",
    },
    {
      what: "leaves a promise rejected while it is loaded",
      source: 'void Promise.reject(new Error("no database"))\nawait new Promise(() => {})',
      says: "no database\n    at handlers/bad.ts:1:",
    },
    {
      what: "leaves a promise rejected when it has loaded",
      source: `void Promise.reject(new Error("no database"))\nexport default { queue: "user_events", on: { ${handler} } }`,
      says: "no database\n    at handlers/bad.ts:1:",
    },
    {
      what: "calls process.exit while it is loaded",
      source: "process.exit(0)\nexport default {}",
      says: "ended its worker while it was loaded, as process.exit does",
    },
    { what: "has no default export", source: "export const a = 1", says: "no default export" },
    {
      what: "names a queue that is not there",
      source: `export default { queue: "lost", on: { ${handler} } }`,
      says: "lost",
    },
    {
      what: "claims a name that is taken",
      source: `export default { queue: "voice_events", on: { ${handler} } }`,
      says: "taken by a.ts",
    },
    {
      what: "has an arrow function for all events in place of an object",
      source: 'export default {\n  queue: "user_events",\n  on: () => {},\n}',
      says: "`on` must be an object of functions, not a function\n    at handlers/bad.ts:3:3\n",
    },
    {
      what: "exports a class",
      source: "export default class Calls {}",
      says: "its default export is a class; a handler module is `export default { queue: …, on: { … } }`\n    at handlers/bad.ts:1:1\n",
    },
    {
      what: "has no functions",
      source: 'export default { queue: "voice_events", on: {} }',
      says: "`on` must have a function",
    },
  ])("one that $what", async ({ source, says }) => {
    await using folder = new ServiceFolder()
    folder.write("handlers/a.ts", `export default { queue: "voice_events", on: { ${handler} } }`)
    folder.write("handlers/bad.ts", source)
    const service = folder.spawn()
    expect(await service.exited()).toBe(1)
    expect(service.stderr).toContain("handler module bad.ts")
    expect(service.stderr).toContain(says)
    // Nothing else is said; what follows shows the place in the file.
    const [first, ...place] = service.stderr.trimEnd().split("\n")
    expect(first).toStartWith("event-broker: handler module bad.ts: ")
    expect(place.every((line) => line.startsWith("  "))).toBe(true)
    expect(service.log.filter(({ level }) => level === "error")).toEqual([])
  })
})

test("markup in a module, a pipe and a link to nothing stop the start, and the message says what is there", async () => {
  await using folder = new ServiceFolder()
  const refusal = async () => {
    const service = folder.spawn()
    expect(await service.exited()).toBe(1)
    return service.stderr
  }
  folder.write("handlers/page.js", "<html><body>moved</body></html>")
  expect(await refusal()).toBe(
    "event-broker: handler module page.js: has markup, HTML or JSX, which a handler module can't have\n",
  )
  folder.remove("handlers/page.js")
  expect(Bun.spawnSync(["mkfifo", "handlers/pipe.ts"], { cwd: folder.path }).exitCode).toBe(0)
  expect(await refusal()).toBe("event-broker: handler module pipe.ts: is neither a file nor a folder\n")
  folder.remove("handlers/pipe.ts")
  symlinkSync("nowhere.ts", `${folder.path}/handlers/gone.ts`)
  expect(await refusal()).toBe(
    "event-broker: handler module gone.ts: is a link to something that does not exist\n",
  )
})

test("a test beside the modules stops the start, and the message says where tests belong", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/voice.test.ts", 'import { test } from "bun:test"\ntest("a", () => {})')
  const service = folder.spawn()
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toContain(
    "every file in HANDLERS_DIR is loaded as a module: put tests into another folder",
  )
})
