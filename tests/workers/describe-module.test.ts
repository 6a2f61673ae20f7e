import { describe, expect, test } from "bun:test"
import { readManifests } from "../../src/handlers/manifest.ts"
import {
  describeModule,
  explainExport,
  isBatchModule,
  isHandlerModule,
} from "../../src/workers/inside/describe-module.ts"

/** Takes a default export as a worker and the main thread do. */
function take(exported: unknown): readonly string[] {
  if (!isHandlerModule(exported)) throw new Error(explainExport(exported))
  const described = structuredClone(describeModule("calls.ts", exported))
  return readManifests([described]).flatMap(({ names }) => names)
}

class Empty {}

class Methods {
  rang(): void {}
}

const rang = (): void => {}
const module = (options: Readonly<Record<string, unknown>>) => ({ queue: "calls", on: { rang }, ...options })

describe("what would be ignored is refused, and the message names it", () => {
  test.each<[string, unknown]>([
    ["`on` must be an object of functions, not an array", module({ on: [rang] })],
    ["`on` must be an object of functions, not a function", module({ on: rang })],
    [
      "`on` must be an object of functions, not an object of the class Map",
      module({ on: new Map([["rang", rang]]) }),
    ],
    [
      "`on` must be an object of functions, not an object of the class Methods",
      module({ on: new Methods() }),
    ],
    ["`on.rang` must be a function, not a class", module({ on: { rang: Empty } })],
    ["`on.rang` must be a function, not a generator function", module({ on: { async *rang() {} } })],
    ["`on.rang` must be a function, not undefined", module({ on: { rang: undefined } })],
    ["`on.rang` must be a function, not an object", module({ on: { rang: { rang } } })],
    ["`retry` must be an object such as { attempts: 5 }, not a function", module({ retry: rang })],
    [
      "`retry` must be an object such as { attempts: 5 }, not an object of the class Map",
      module({ retry: new Map([["attempts", 3]]) }),
    ],
    ["`retry.attempts` must be a whole number, not a bigint", module({ retry: { attempts: 3n } })],
    ["`timeout` must be a number of milliseconds, not NaN", module({ timeout: Number.NaN })],
    ["`timeout` must be a number of milliseconds, not a symbol", module({ timeout: Symbol("s") })],
    [
      "`bind` must be an array of topic patterns, not an object of the class Set",
      module({ bind: new Set(["events.voice.#"]) }),
    ],
    ["its default export is a function", rang],
    ["its default export is a class", Empty],
    ["its default export is an object of the class Promise", Promise.resolve(module({}))],
    ["its default export is an array", [module({})]],
    ["its default export is null", null],
    ['its default export is "calls"', "calls"],
    ["has no default export", undefined],
  ])("%s", (message, exported) => {
    expect(() => take(exported)).toThrow(message)
  })
})

test("an object of a class with fields is a module, and so is an object without a prototype", () => {
  class Calls {
    queue = "calls"
    on = { rang }
  }
  expect(take(new Calls())).toEqual(["rang"])
  expect(take(Object.assign(Object.create(null), module({})))).toEqual(["rang"])
})

test("a module that refers to itself is refused, and the message says so", () => {
  const exported = module({})
  expect(() => take(Object.assign(exported, { self: exported }))).toThrow("unknown option `self`")
})

test("an inherited batch makes no module one of batches", () => {
  const module = { queue: "calls", on: {} }
  expect(isBatchModule({ ...module, batch: { size: 3 } })).toBe(true)
  expect(isBatchModule(Object.assign(Object.create({ batch: { size: 3 } }), module))).toBe(false)
})
