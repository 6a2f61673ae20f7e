import { describe, expect, test } from "bun:test"
import { boundError, summarizeError } from "../../src/event/failure.ts"

const fails = (): never => {
  throw new Error("even this throws")
}

describe("the summary of a thrown value", () => {
  test("has an error's name, message and stack", () => {
    const error = new RangeError("out of reach")
    expect(summarizeError(error)).toEqual({
      name: "RangeError",
      message: "out of reach",
      stack: error.stack ?? "",
    })
  })

  test("appends an error's causes to its stack, and only a few if the error is its own cause", () => {
    const cause = new Error("refused", { cause: { code: 61 } })
    const { stack } = summarizeError(new Error("no answer", { cause }))
    expect(stack).toMatch(
      /^Error: no answer[\s\S]*\nCaused by: Error: refused[\s\S]*\nCaused by: {"code":61}$/,
    )
    const endless = new Error("again")
    endless.cause = endless
    expect(summarizeError(endless).stack?.match(/Caused by/g)).toHaveLength(5)
  })

  test("has no stack if the error has none", () => {
    const error = new Error("bare")
    delete error.stack
    Object.defineProperty(error, "stack", { value: undefined })
    expect(summarizeError(error)).toEqual({ name: "Error", message: "bare" })
  })

  test("bounds each of its texts", () => {
    const error = new Error("m".repeat(100_000))
    error.name = "n".repeat(100_000)
    error.stack = "s".repeat(100_000)
    const { name, message, stack } = summarizeError(error)
    expect(name).toBe("n".repeat(2_000))
    expect(message).toBe("m".repeat(2_000))
    expect(stack).toBe("s".repeat(8_000))
  })

  test("bounds a thrown string", () => {
    expect(summarizeError("s".repeat(100_000))).toEqual({ name: "string", message: "s".repeat(2_000) })
  })

  test("bounds an error that another thread summarized", () => {
    const long = "x".repeat(100_000)
    const bounded = boundError({ name: long, message: long, stack: long })
    expect(bounded).toEqual({
      name: long.slice(0, 2_000),
      message: long.slice(0, 2_000),
      stack: long.slice(0, 8_000),
    })
  })

  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic

  const shown = [
    ["a string", "no good", { name: "string", message: "no good" }],
    ["null", null, { name: "object", message: "null" }],
    ["undefined", undefined, { name: "undefined", message: "undefined" }],
    ["a number", 42, { name: "number", message: "42" }],
    ["a bigint", 42n, { name: "bigint", message: "42" }],
    ["a symbol", Symbol("lost"), { name: "symbol", message: "Symbol(lost)" }],
    ["an object", { code: 7 }, { name: "object", message: '{"code":7}' }],
    ["an object that JSON leaves out", { toJSON: () => undefined }, { name: "object", message: "null" }],
  ] as const
  for (const [what, thrown, summary] of shown) {
    test(`describes ${what}`, () => expect(summarizeError(thrown)).toEqual(summary))
  }

  const unshowable: readonly (readonly [string, unknown])[] = [
    ["a cyclic object", cyclic],
    ["an object whose toJSON throws", { toJSON: fails }],
    ["an object with a bigint", { count: 1n }],
    ["a function whose toString throws", Object.assign(() => {}, { toString: fails })],
    ["a revoked proxy", revokedProxy()],
    ["an error whose message can't be read", withGetter(new Error("x"), "message")],
    ["an error whose name can't be read", withGetter(new Error("x"), "name")],
    ["an error whose stack can't be read", withGetter(new Error("x"), "stack")],
    ["an error whose message can't be text", Object.assign(new Error("x"), { message: { toString: fails } })],
    [
      "an error whose message has no prototype",
      Object.assign(new Error("x"), { message: Object.create(null) }),
    ],
  ]
  for (const [what, thrown] of unshowable) {
    test(`survives ${what}`, () => {
      const summary = summarizeError(thrown)
      expect(summary.name).toBeString()
      expect(summary.message).toBeString()
    })
  }

  test("is plain data, whatever an error has in place of its texts", () => {
    const error = Object.assign(new Error("x"), { name: 9, message: 7, stack: ["at"] })
    const summary = summarizeError(error)
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary)
  })
})

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function withGetter(error: Error, field: string): Error {
  return Object.defineProperty(error, field, { get: fails })
}
