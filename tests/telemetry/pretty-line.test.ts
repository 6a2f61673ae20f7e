import { expect, test } from "bun:test"
import { prettyLine } from "../../src/telemetry/pretty-line.ts"
import { HOSTILE, obeyedIn } from "../support/unprintable.ts"

/** An entry without its time, as it is shown without colours. */
const shown = (entry: Readonly<Record<string, unknown>>): string =>
  prettyLine(JSON.stringify({ level: "info", time: "2026-11-24T13:00:08.008Z", ...entry }), false).slice(
    "00:00:00.000 ".length,
  )

test("an entry shows its level, its message and its fields, those of a handler too", () => {
  expect(shown({ msg: "listening", workers: 5, fields: { caller: "+49 30", ok: true } })).toBe(
    'INFO  listening  workers=5  caller="+49 30"  ok=true\n',
  )
})

test("a handler's field does not replace one of the service", () => {
  const line = shown({ msg: "m", queue: "voice_events", fields: { queue: "fake", level: "error", own: 1 } })
  expect(line).toBe("INFO  m  queue=voice_events  fields.queue=fake  fields.level=error  own=1\n")
})

test("fields without a value are omitted, lists of words are joined by commas, and long values are cut", () => {
  const line = shown({ msg: "m", none: null, empty: [], list: ["a.ts", "b.ts"], long: "x".repeat(500) })
  expect(line).toBe(`INFO  m  list=a.ts,b.ts  long=${"x".repeat(200)}…\n`)
})

test("a message of several lines is indented, with its fields below", () => {
  expect(shown({ msg: "got {\n  id: 1\n}", queue: "q" })).toBe(
    [
      "INFO  got {",
      "                     id: 1",
      "                   }",
      "                   queue=q",
      "",
    ].join("\n"),
  )
})

test("an error is shown below with its stack, without the frames of the code that calls handlers", () => {
  const stack = [
    "Error: no answer",
    "    at * (/project/handlers/voice.ts:4:13)",
    // As the binary names it, and as the sources do.
    "    at q (src/workers/inside/run-event.ts:34:26)",
    `    at q (${Bun.fileURLToPath(new URL("../../src/workers/inside/run-event.ts", import.meta.url))}:34:26)`,
    "    at run (node:async_hooks:144:29)",
    "Caused by: Error: refused",
    "    at connect (/project/crm.ts:1:1)",
  ].join("\n")
  expect(
    shown({ level: "error", msg: "failed", error: { name: "Error", message: "no answer", stack } }),
  ).toBe(
    [
      "ERROR failed",
      "                   Error: no answer",
      "                       at * (/project/handlers/voice.ts:4:13)",
      "                   Caused by: Error: refused",
      "                       at connect (/project/crm.ts:1:1)",
      "",
    ].join("\n"),
  )
  expect(shown({ level: "error", msg: "failed", error: { name: "TypeError", message: "x" } })).toContain(
    "TypeError: x\n",
  )
})

test("hostile text anywhere is escaped, and none of its lines starts a line", () => {
  const hostileError = { name: HOSTILE, message: HOSTILE, stack: HOSTILE }
  const line = shown({
    level: HOSTILE,
    msg: HOSTILE,
    [HOSTILE]: HOSTILE,
    list: [HOSTILE],
    error: hostileError,
  })
  expect(obeyedIn(line)).toEqual([])
  expect(line).not.toMatch(/^forged/m)
})

test("colours are added only if they are wanted", () => {
  const entry = JSON.stringify({ level: "warn", time: "2026-11-24T13:00:08.008Z", msg: "m" })
  expect(prettyLine(entry, true)).toContain("\x1b[33mWARN ")
  expect(prettyLine(entry, false)).not.toContain("\x1b")
})

test("the generation of the handler modules is shown where it changes, not with each line of a handler", () => {
  const line = (msg: string) =>
    JSON.stringify({ level: "info", time: 0, msg, generation: "5f0a91c3", module: "a.ts" })
  expect(prettyLine(line("handler modules loaded"), false)).toContain("generation=5f0a91c3")
  expect(prettyLine(line("heard"), false)).toEndWith("heard  module=a.ts\n")
})
