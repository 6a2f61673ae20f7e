import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { readManifests } from "../../src/handlers/manifest.ts"
import { ModuleLoadError } from "../../src/handlers/module-load-error.ts"
import { requireQueues } from "../../src/handlers/module-queues.ts"
import { locateIn } from "../../src/handlers/option-position.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const MODULE = { queue: "calls", on: { rang: "a function" } }

test("a module with the required options alone gets the defaults", () => {
  expect(readManifests([{ file: "calls.ts", exported: MODULE }])).toEqual([
    {
      file: "calls.ts",
      queue: "calls",
      bindings: null,
      names: ["rang"],
      attempts: 5,
      backoff: { initialMs: 1_000, factor: 2, maxMs: 60_000 },
      timeoutMs: 30_000,
      concurrency: null,
      batch: null,
      isSingleActiveConsumer: false,
    },
  ])
})

test("a module that sets every option keeps all of them", () => {
  const exported = {
    queue: "calls",
    bind: ["events.voice.#", "calls"],
    retry: { attempts: 2, backoff: { initial: 10, factor: 1.5, max: 100 } },
    timeout: 500,
    on: { rang: "a function", "*": "a function" },
  }
  expect(readManifests([{ file: "calls.ts", exported }])).toEqual([
    {
      file: "calls.ts",
      queue: "calls",
      bindings: ["events.voice.#", "calls"],
      names: ["rang", "*"],
      attempts: 2,
      backoff: { initialMs: 10, factor: 1.5, maxMs: 100 },
      timeoutMs: 500,
      concurrency: null,
      batch: null,
      isSingleActiveConsumer: false,
    },
  ])
})

describe("a fault names the file and the field", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["no queue", { on: MODULE.on }, "queue"],
    ["a queue with a space", { ...MODULE, queue: "my calls" }, "queue"],
    ["a queue that is too long for its dead letters", { ...MODULE, queue: "q".repeat(251) }, "queue"],
    ...["amq.x", "dead.calls", "event-broker.queues", "ordered.calls", "retry.1000"].map(
      (queue) =>
        [`a queue with a name that is kept for others: ${queue}`, { ...MODULE, queue }, "queue"] as const,
    ),
    ["no functions", { queue: "calls" }, "on"],
    ["not one function", { ...MODULE, on: {} }, "on"],
    ["a function that is not one", { ...MODULE, on: { rang: "string" } }, "on.rang"],
    ["no patterns to bind", { ...MODULE, bind: [] }, "bind"],
    ["a pattern that is empty", { ...MODULE, bind: [""] }, "bind.0"],
    ["no attempts", { ...MODULE, retry: { attempts: 0 } }, "retry.attempts"],
    ["half an attempt", { ...MODULE, retry: { attempts: 1.5 } }, "retry.attempts"],
    ["a backoff that shrinks", { ...MODULE, retry: { backoff: { factor: 0.5 } } }, "retry.backoff.factor"],
    ["a wait of no time", { ...MODULE, retry: { backoff: { initial: 0 } } }, "retry.backoff.initial"],
    ["a timeout of two days", { ...MODULE, timeout: 2 * 86_400_000 }, "timeout"],
    ["a timeout in words", { ...MODULE, timeout: "30s" }, "timeout"],
    ["an unknown field", { ...MODULE, retries: 3 }, "retries"],
    ["a name that no event can have", { ...MODULE, on: { "call ended": "a function" } }, "on.call ended"],
    [
      "a name that is too long for an event",
      { ...MODULE, on: { ["n".repeat(129)]: "a function" } },
      "on.nnn",
    ],
    ["nothing", null, "default export"],
  ]
  test.each(cases)("%s", (_, exported, field) => {
    const read = () =>
      readManifests([
        { file: "good.ts", exported: MODULE },
        { file: "broken.ts", exported },
      ])
    expect(read).toThrow(ModuleLoadError)
    expect(read).toThrow("handler module broken.ts: ")
    expect(read).toThrow(field)
  })
})

describe("a fault says what the option must be", () => {
  test.each([
    [{ ...MODULE, retries: 3 }, "unknown option `retries`; did you mean `retry`?"],
    [{ ...MODULE, attempts: 3 }, "unknown option `attempts`; did you mean `retry.attempts`?"],
    [{ ...MODULE, retry: { atempts: 3 } }, "unknown option `atempts` in `retry`; did you mean `attempts`?"],
    [
      { ...MODULE, retry: { when: 3 } },
      "unknown option `when` in `retry`; the options are attempts, backoff",
    ],
    [{ on: MODULE.on }, "the option `queue` is required"],
    [
      { ...MODULE, timeout: "30s" },
      '`timeout` must be a number of milliseconds, not "30s"; did you mean 30000?',
    ],
    [{ ...MODULE, timeout: "soon" }, '`timeout` must be a number of milliseconds, not "soon"'],
    [{ ...MODULE, timeout: null }, "`timeout` must be a number of milliseconds, not null"],
    [{ ...MODULE, timeout: -1 }, "`timeout` must be at least 1, not -1"],
    [
      { ...MODULE, retry: { attempts: "3" } },
      '`retry.attempts` must be a whole number, not "3"; did you mean 3?',
    ],
    [{ ...MODULE, retry: 3 }, "`retry` must be an object such as { attempts: 5 }, not 3"],
    [{ ...MODULE, retry: [3] }, "`retry` must be an object such as { attempts: 5 }, not an array"],
    [{ ...MODULE, retry: { max: 3 } }, "unknown option `max` in `retry`; did you mean `retry.backoff.max`?"],
    [
      { ...MODULE, retry: { backoff: 100 } },
      "`retry.backoff` must be an object such as { initial: 1000 }, not 100",
    ],
    [
      { ...MODULE, retry: { backoff: { initial: 90_000 } } },
      "`retry.backoff.initial` must be at most `retry.backoff.max`, which is 60000, not 90000",
    ],
    [{ ...MODULE, batch: 10 }, "`batch` must be an object such as { size: 100 }, not 10"],
    [{ queue: "calls" }, "the option `on` is required"],
    [{ ...MODULE, on: ["a function"] }, "`on` must be an object of functions, not an array"],
    [{ ...MODULE, on: { rang: "an object" } }, "`on.rang` must be a function, not an object"],
    [{ ...MODULE, batch: {} }, "the option `batch.size` is required"],
    [
      { ...MODULE, on: { "call ended": "a function" } },
      "`on.call ended` can't be the name of an event: a name must be words of letters, digits, _ and -, joined by dots",
    ],
  ])("%j: %s", (exported, message) => {
    const read = () => readManifests([{ file: "calls.ts", exported }])
    expect(read).toThrow(`handler module calls.ts: ${message}`)
  })
})

test("a fault shows its place in the source", () => {
  using folder = temporaryFolder()
  const path = join(folder.path, "calls.ts")
  writeFileSync(path, 'export default {\n  queue: "calls",\n\tretries: 3,\n  on: { rang() {} },\n}\n')
  const locate = locateIn([{ name: "calls.ts", path: pathToFileURL(path).href }])
  const exported = { ...MODULE, retries: 3 }
  expect(() => readManifests([{ file: "calls.ts", exported }], locate)).toThrow(
    [
      "handler module calls.ts: unknown option `retries`; did you mean `retry`?",
      `  at ${path}:3:2`,
      "  1 | export default {",
      '  2 |   queue: "calls",',
      "> 3 |   retries: 3,",
      "    |   ^",
      "  4 |   on: { rang() {} },",
    ].join("\n"),
  )
})

test("a module whose queue does not exist is refused, with the queue that was meant", () => {
  const manifests = readManifests([{ file: "calls.ts", exported: { ...MODULE, queue: "voice_event" } }])
  const check = (...names: readonly string[]) =>
    requireQueues(
      names.map((name) => ({ name })),
      manifests,
      () => null,
    )
  expect(() => check("voice_events")).toThrow(
    "handler module calls.ts: there is no queue voice_event; did you mean `voice_events`?",
  )
  expect(() => check("other")).toThrow("there is no queue voice_event; give it topic patterns in `bind`")
  expect(() => check("voice_event")).not.toThrow()
})

test("all faults of a module are listed at once", () => {
  const read = () => readManifests([{ file: "broken.ts", exported: { queue: 1, timeout: 0, on: {} } }])
  for (const field of ["queue", "timeout", "on"]) expect(read).toThrow(`\`${field}\` must`)
})

test("two modules with a function for the same name of one queue are refused, and both are named", () => {
  const read = () =>
    readManifests([
      { file: "first.ts", exported: MODULE },
      { file: "second.ts", exported: MODULE },
    ])
  expect(read).toThrow(ModuleLoadError)
  expect(read).toThrow(/second\.ts.*rang.*calls.*first\.ts/)
})

test("two modules may share a queue if their functions have different names", () => {
  const manifests = readManifests([
    { file: "first.ts", exported: MODULE },
    { file: "second.ts", exported: { ...MODULE, on: { "*": "a function" } } },
    { file: "third.ts", exported: { ...MODULE, queue: "other" } },
  ])
  expect(manifests.map(({ file }) => file)).toEqual(["first.ts", "second.ts", "third.ts"])
})
