import { describe, expect, test } from "bun:test"
import { EventInvalidError } from "../../src/event/errors.ts"
import type { Fault } from "../../src/event/faults.ts"
import { validateDraft } from "../../src/event/validate.ts"

const draft = { type: "voice", name: "speech_recognized", payload: { text: "hello" } }

/** Returns the faults of a draft; empty if it is valid. */
function faultsOf(input: unknown): readonly Fault[] {
  try {
    validateDraft(input)
    return []
  } catch (error) {
    if (error instanceof EventInvalidError) return error.faults
    throw error
  }
}

const pointersOf = (input: unknown): readonly string[] => faultsOf(input).map(({ pointer }) => pointer)

const without = (field: keyof typeof draft): Record<string, unknown> => {
  const { [field]: _, ...rest } = draft
  return rest
}

describe("a draft is accepted", () => {
  const taken: Record<string, Record<string, unknown>> = {
    "with the three required fields": {},
    "with an id of one character": { id: "1" },
    "with an id of 128 characters": { id: "i".repeat(128) },
    "with an id of 255 bytes": { id: `${"é".repeat(127)}a` },
    "with an ordering key of 128 emoji": { ordering_key: "🙂".repeat(128) },
    "with a name of 128 characters": { name: "n".repeat(128) },
    "with a name of several words": { name: "call.ended-2_x.9" },
    "with an empty routing key": { routing_key: "" },
    "with a routing key of 255 bytes": { routing_key: `${"é".repeat(127)}a` },
    "with wildcards in its routing key": { routing_key: "a.*.#" },
    "with an empty payload": { payload: {} },
    ...Object.fromEntries(
      ["voice", "user", "system", "notification", "custom"].map((type) => [
        `with the type ${type}`,
        { type },
      ]),
    ),
    ...Object.fromEntries(
      ["low", "medium", "high", "critical"].map((priority) => [
        `with the priority ${priority}`,
        { priority },
      ]),
    ),
  }
  for (const [title, change] of Object.entries(taken)) {
    test(title, () => expect(faultsOf({ ...draft, ...change })).toEqual([]))
  }

  test("with the priority medium and empty metadata by default", () => {
    expect<unknown>(validateDraft(draft)).toEqual({ ...draft, priority: "medium", metadata: {} })
  })

  test("with its own default metadata, not shared with other drafts", () => {
    expect(validateDraft(draft).metadata).not.toBe(validateDraft(draft).metadata)
  })

  test("with payload and metadata keys that are also properties of every object", () => {
    const text = '{"__proto__":{"a":1},"constructor":2,"toString":3,"deep":{"__proto__":4}}'
    const { payload, metadata } = validateDraft({
      ...draft,
      payload: JSON.parse(text),
      metadata: JSON.parse(text),
    })
    expect(JSON.stringify(payload)).toBe(text)
    expect(JSON.stringify(metadata)).toBe(text)
  })
})

describe("a draft is rejected", () => {
  const refused: Record<string, readonly [pointer: string, change: Record<string, unknown>]> = {
    "with an empty id": ["/id", { id: "" }],
    "with an id that is a number": ["/id", { id: 7 }],
    "with an id that is null": ["/id", { id: null }],
    "with an id of 129 characters": ["/id", { id: "i".repeat(129) }],
    "with an id of 256 bytes": ["/id", { id: "é".repeat(128) }],
    "with a line break in its id": ["/id", { id: "a\nb" }],
    "with a control character beyond ASCII in its id": ["/id", { id: "a\u009b" }],
    "with half a character in its id": ["/id", { id: "a\ud800" }],
    "with an unknown type": ["/type", { type: "video" }],
    "with a type in capitals": ["/type", { type: "VOICE" }],
    "with an empty name": ["/name", { name: "" }],
    "with a name of 129 characters": ["/name", { name: "n".repeat(129) }],
    "with a space in its name": ["/name", { name: "call ended" }],
    "with a name that ends with a dot": ["/name", { name: "call." }],
    "with a name that begins with a dot": ["/name", { name: ".call" }],
    "with an empty word in its name": ["/name", { name: "call..ended" }],
    "with a line break at the end of its name": ["/name", { name: "call\n" }],
    "with a wildcard in its name": ["/name", { name: "call.*" }],
    "with a routing key of 256 bytes": ["/routing_key", { routing_key: "é".repeat(128) }],
    "with half a character in its routing key": ["/routing_key", { routing_key: "\udc00" }],
    "with a routing key that is null": ["/routing_key", { routing_key: null }],
    "with an array for a payload": ["/payload", { payload: [] }],
    "with null for a payload": ["/payload", { payload: null }],
    "with a text for a payload": ["/payload", { payload: "{}" }],
    "with an array for metadata": ["/metadata", { metadata: [1] }],
    "with null for metadata": ["/metadata", { metadata: null }],
    "with an unknown priority": ["/priority", { priority: "urgent" }],
    "with a number for a priority": ["/priority", { priority: 4 }],
    "with a timestamp of its own": ["/timestamp", { timestamp: 1 }],
    "with a status of its own": ["/status", { status: "pending" }],
    "with a retry count of its own": ["/retry_count", { retry_count: 0 }],
  }
  for (const [title, [pointer, change]] of Object.entries(refused)) {
    test(title, () => expect(new Set(pointersOf({ ...draft, ...change }))).toEqual(new Set([pointer])))
  }

  for (const field of ["type", "name", "payload"] as const) {
    test(`without the field ${field}`, () =>
      expect(faultsOf(without(field))).toEqual([{ pointer: `/${field}`, message: "is required" }]))
  }

  for (const input of [null, undefined, true, 7, "event"]) {
    test(`if it is ${input} instead of an object`, () =>
      expect(faultsOf(input)).toEqual([{ pointer: "", message: "must be a JSON object" }]))
  }

  test("if it is an array", () => expect(faultsOf([draft])).not.toEqual([]))

  test("with an unknown field", () => {
    expect(faultsOf({ ...draft, colour: "red" })).toEqual([
      { pointer: "/colour", message: "is not a field of an event" },
    ])
  })

  test("with a mistyped field, and the message names the one that was meant", () => {
    expect(faultsOf({ ...draft, routing_kye: "a" })).toEqual([
      { pointer: "/routing_kye", message: "is not a field of an event; did you mean routing_key?" },
    ])
  })

  test.each([
    ["Voice", "; did you mean voice?"],
    ["users", "; did you mean user?"],
    ["video", ""],
    [7, ""],
  ])("with the type %p, and the message names the one that was meant", (type, advice) => {
    const message = `must be one of voice, user, system, notification, custom${advice}`
    expect(faultsOf({ ...draft, type })).toEqual([{ pointer: "/type", message }])
  })

  test("with the fields of a CloudEvent, and the message says how to send one", () => {
    expect(faultsOf({ ...draft, specversion: "1.0" })).toEqual([
      {
        pointer: "/specversion",
        message: "is not a field of an event; send a CloudEvent as application/cloudevents+json",
      },
    ])
  })

  test("with the field name escaped in the JSON pointer", () => {
    expect(pointersOf({ ...draft, "a/b~c": 1 })).toEqual(["/a~1b~0c"])
  })

  for (const field of ["__proto__", "constructor", "toString"]) {
    test(`with the field ${field}`, () => {
      const text = JSON.stringify(draft).replace("{", `{${JSON.stringify(field)}:1,`)
      expect(pointersOf(JSON.parse(text))).toEqual([`/${field}`])
    })
  }

  test("with all unknown fields named", () => {
    expect(pointersOf({ ...draft, colour: "red", size: 3 }).toSorted()).toEqual(["/colour", "/size"])
  })

  test("with all faults named, also in the message", () => {
    const input = { type: "video", name: "a b", payload: [] }
    expect(pointersOf(input)).toEqual(["/type", "/name", "/payload"])
    expect(() => validateDraft(input)).toThrow(/\/type .*; \/name .*; \/payload /)
  })
})

test("the fields that the service sets are refused as such: a stored event is not a draft", () => {
  const stored = { ...draft, timestamp: 1, status: "pending", retry_count: 0 }
  const message = "is set by the service: leave it out"
  expect(faultsOf(stored)).toEqual([
    { pointer: "/timestamp", message },
    { pointer: "/status", message },
    { pointer: "/retry_count", message },
  ])
})

test("an ordering key of 129 characters is refused, whatever their size", () => {
  for (const character of ["k", "é", "🙂"]) {
    expect(faultsOf({ ...draft, ordering_key: character.repeat(129) })).toEqual([
      { pointer: "/ordering_key", message: "must have at most 128 characters" },
    ])
  }
})
