import { expect, test } from "bun:test"
import { HandlerTable } from "../../src/delivery/handler-table.ts"
import { moduleManifest } from "../support/job-request.ts"

const GENERATION = "5f0a91c3"

const first = moduleManifest({ file: "first.ts", queue: "calls", names: ["rang", "ended"] })
const second = moduleManifest({ file: "second.ts", queue: "calls", names: ["*"] })
const third = moduleManifest({ file: "third.ts", queue: "users", names: ["seen", "toString"] })
const table = new HandlerTable([first, second, third], GENERATION)

test("an event is handled by the function of its name", () => {
  expect(table.find("calls", "ended")).toEqual({
    generation: GENERATION,
    module: 0,
    manifest: first,
    handler: "ended",
  })
})

test("an event whose name has no function is handled by the one for all names", () => {
  expect(table.find("calls", "held")).toEqual({
    generation: GENERATION,
    module: 1,
    manifest: second,
    handler: "*",
  })
})

test("an event whose name has no function on its queue is handled by none", () => {
  expect(table.find("users", "rang")).toBeUndefined()
  expect(table.find("nowhere", "rang")).toBeUndefined()
})

test("a name that no function takes is explained with the functions of its queue, and the one that was meant", () => {
  const explained = new HandlerTable(
    [first, moduleManifest({ file: "more.ts", queue: "calls", names: ["held"] }), third],
    GENERATION,
  )
  expect(explained.explainMissing("calls", "endd")).toBe(
    "no function handles endd; the functions are rang (first.ts), ended (first.ts), held (more.ts); did you mean ended?",
  )
  expect(explained.explainMissing("users", "login")).toBe(
    "no function handles login; the functions are seen (third.ts), toString (third.ts)",
  )
})

test.each([
  ["voice.call.ended", ["call.ended"], "; the name repeats the type; did you mean call.ended?"],
  ["events.voice.call.ended", ["call.ended"], "; the name repeats the type; did you mean call.ended?"],
  ["voice.call.endd", ["call.ended"], "; the name repeats the type; did you mean call.ended?"],
  [
    "call.ended",
    ["voice.call.ended"],
    "; the function voice.call.ended repeats the type: did you mean call.ended?",
  ],
  ["user.logn", ["user.login"], "; did you mean user.login?"],
])(
  "a type in the name that no function takes, or in that of a function, is pointed out: %s",
  (name, names, advice) => {
    const calls = new HandlerTable([moduleManifest({ file: "a.ts", queue: "calls", names })], GENERATION)
    expect(calls.explainMissing("calls", name)).toEndWith(`(a.ts)${advice}`)
  },
)

test("a name that every object inherits is a name like any other", () => {
  expect(table.find("users", "toString")?.handler).toBe("toString")
  expect(table.find("users", "constructor")).toBeUndefined()
})

test("each queue is listed once, in the order of the modules", () => {
  expect(table.queues).toEqual(["calls", "users"])
  expect(new HandlerTable([], GENERATION).queues).toEqual([])
})
