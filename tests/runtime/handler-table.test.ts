import { expect, test } from "bun:test"
import { HandlerTable } from "../../src/runtime/handler-table.ts"
import { moduleManifest } from "../support/job-request.ts"

const first = moduleManifest({ file: "first.ts", queue: "calls", names: ["rang", "ended"] })
const second = moduleManifest({ file: "second.ts", queue: "calls", names: ["*"] })
const third = moduleManifest({ file: "third.ts", queue: "users", names: ["seen", "toString"] })
const table = new HandlerTable([first, second, third])

test("a name is taken by its own function", () => {
  expect(table.find("calls", "ended")).toEqual({ module: 0, manifest: first, handler: "ended" })
})

test("a name without a function of its own is taken by the one for every name", () => {
  expect(table.find("calls", "held")).toEqual({ module: 1, manifest: second, handler: "*" })
})

test("a name that no function takes has none, nor has another queue's", () => {
  expect(table.find("users", "rang")).toBeUndefined()
  expect(table.find("nowhere", "rang")).toBeUndefined()
})

test("a name that every object has is a name like any other", () => {
  expect(table.find("users", "toString")?.handler).toBe("toString")
  expect(table.find("users", "constructor")).toBeUndefined()
})

test("each queue is told once, in the order of the modules", () => {
  expect(table.queues).toEqual(["calls", "users"])
  expect(new HandlerTable([]).queues).toEqual([])
})
