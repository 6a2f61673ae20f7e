import { describe, expect, test } from "bun:test"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"
import { SchemaFileError } from "../../src/schema/schema-file-error.ts"

const CALL = {
  type: "object",
  properties: {
    call_id: { $ref: "../common/id.json" },
    "a/b": { type: "string", format: "date-time" },
    side: { enum: ["caller", "agent"] },
  },
  required: ["call_id"],
  additionalProperties: false,
}
const ID = { type: "string", minLength: 1 }
const FILES = [
  { path: "voice/call.json", schema: CALL },
  { path: "common/id.json", schema: ID },
]

const event = (payload: Record<string, unknown>, metadata: Record<string, unknown> = {}) => ({
  type: "voice" as const,
  name: "call",
  payload,
  metadata,
})

describe("an event's payload", () => {
  const catalog = new SchemaCatalog(FILES)

  test("that follows its schema has no faults, and an event without a schema is not checked", () => {
    expect(catalog.faultsOf(event({ call_id: "c-1", side: "agent" }))?.faults).toEqual([])
    expect(catalog.faultsOf({ ...event({}), name: "other" })).toBeNull()
    expect(catalog.faultsOf({ ...event({}), type: "user" })).toBeNull()
  })

  test("that breaks it has every fault, each with its JSON pointer", () => {
    expect(catalog.faultsOf(event({ "a/b": "yesterday", side: "x", "m~n": 1 }))?.faults).toEqual([
      { pointer: "/payload/call_id", message: "is required" },
      { pointer: "/payload/m~0n", message: "is not a field of the schema" },
      { pointer: "/payload/a~1b", message: 'must match format "date-time"' },
      { pointer: "/payload/side", message: 'must be one of ["caller","agent"]' },
    ])
    expect(catalog.faultsOf(event({ call_id: "" }))?.faults).toEqual([
      { pointer: "/payload/call_id", message: "must have at least 1 character" },
    ])
  })

  test("with very many faults lists a bounded number, and counts the others", () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, n]))
    const found = catalog.faultsOf(event(many))
    expect(found?.faults).toHaveLength(100)
    expect(found?.count).toBe(501)
  })

  test("of very many values lists only its first fault", () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`field${n}`, n]))
    expect(catalog.faultsOf(event(many))?.faults).toEqual([
      { pointer: "/payload/call_id", message: "is required" },
      { pointer: "/payload", message: "has more than 1000 values: only the first fault is listed" },
    ])
  })

  test("with a very long name of a field has short faults", () => {
    const found = catalog.faultsOf(event({ call_id: "c", ["x".repeat(500_000)]: 1 }))
    expect(found?.faults[0]?.pointer.length).toBeLessThan(300)
  })
})

describe("an event with several versions of its schema", () => {
  const catalog = new SchemaCatalog([
    { path: "voice/call.json", schema: { required: ["a"] } },
    { path: "voice/call@2.json", schema: { required: ["b"] } },
    { path: "voice/call@10.json", schema: { required: ["c"] } },
  ])

  test("is checked against the highest, or the one that its metadata names", () => {
    expect(catalog.versionsOf("voice", "call").map(({ version }) => version)).toEqual([10, 2, 1])
    expect(catalog.faultsOf(event({ c: 1 }))?.faults).toEqual([])
    expect(catalog.faultsOf(event({ b: 1 }, { schema_version: 2 }))?.faults).toEqual([])
    expect(catalog.faultsOf(event({ a: 1 }, { schema_version: "1" }))?.faults).toEqual([])
    expect(catalog.faultsOf(event({ a: 1 }, { schema_version: "2" }))?.faults).toEqual([
      { pointer: "/payload/b", message: "is required" },
    ])
  })

  test("that names a missing version has a fault, which lists the existing ones", () => {
    expect(catalog.faultsOf(event({ a: 1 }, { schema_version: 3 }))?.faults).toEqual([
      { pointer: "/metadata/schema_version", message: "must be a version of voice/call: 10, 2, 1" },
    ])
  })
})

describe("a file that is not a usable schema is refused with its path and the reason", () => {
  test.each([
    [
      "an unknown type",
      { properties: { "a/b": { type: "objct" } } },
      '/properties/a~1b/type must be one of ["array","boolean","integer","null","number","object","string"]; did you mean "object"?',
    ],
    [
      "a value of a wrong type",
      { properties: { a: { minLength: "3" } } },
      "/properties/a/minLength must be an integer",
    ],
    ["a list in place of an object", { properties: [] }, "used: /properties must be an object"],
    [
      "an unknown keyword",
      { properties: { a: { maximun: 1 } } },
      'unknown keyword "maximun" in /properties/a; did you mean maximum?',
    ],
    ["an unknown keyword at the top", { "x-owner": "me" }, 'unknown keyword "x-owner" in the schema'],
    [
      "a reference to a missing file",
      { properties: { a: { $ref: "../common/ids.json" } } },
      "/properties/a/$ref of user/login.json leads to no schema: there is no file common/ids.json in the folder; " +
        "did you mean common/id.json?",
    ],
    [
      "a reference to a missing part of a file",
      { $ref: "#/$defs/a" },
      "/$ref of user/login.json leads to no schema: user/login.json has nothing at #/$defs/a",
    ],
    [
      "another dialect",
      { $schema: "http://json-schema.org/draft-07/schema#" },
      '/$schema must be https://json-schema.org/draft/2020-12/schema or absent, not "http://json-schema.org/draft-07/schema#"',
    ],
    ["an unknown format", { type: "string", format: "phone" }, "at /format; there are date, time"],
    [
      "a mistyped format",
      { type: "string", format: "emial" },
      'no format "emial", at /format; did you mean email?',
    ],
    ["a format of quadratic cost", { type: "string", format: "url" }, 'no format "url", at /format'],
    ["a schema that is not an object", [1], "not a JSON object"],
    [
      "a pattern with look-around",
      { properties: { "a/b": { anyOf: [{ type: "string", pattern: "(?!a)b" }] } } },
      'the pattern "(?!a)b" at /properties/a~1b/anyOf/0/pattern can\'t be matched: it uses the look-around (?!a)',
    ],
    [
      "a name's pattern that refers back",
      { $defs: { x: { patternProperties: { "(a)\\1": {} } } } },
      'the pattern "(a)\\\\1" at /$defs/x/patternProperties can\'t be matched: it refers back with \\1',
    ],
    ["a reference to itself and nothing else", { $ref: "#" }, "refers to itself endlessly"],
    [
      "a circle of references",
      { anyOf: [{ $ref: "#/$defs/a" }], $defs: { a: { not: { $ref: "#" } } } },
      "endlessly",
    ],
  ])("%s", (_, schema, reason) => {
    const make = () => new SchemaCatalog([...FILES, { path: "user/login.json", schema }])
    expect(make).toThrow(SchemaFileError)
    expect(make).toThrow("user/login.json")
    expect(make).toThrow(reason)
  })

  test("a second file of the same version", () => {
    const make = () => new SchemaCatalog([...FILES, { path: "voice/call@1.json", schema: {} }])
    expect(make).toThrow("voice/call")
    expect(make).toThrow("version 1")
  })
})

test("every file that can't be used is named, up to twenty", () => {
  const broken = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ path: `voice/n${n}.json`, schema: { type: "strin" } }))
  const faultsOf = (count: number): readonly string[] => {
    try {
      new SchemaCatalog([{ path: "voice/good.json", schema: {} }, ...broken(count)])
      return []
    } catch (error) {
      return error instanceof SchemaFileError ? error.faults : [String(error)]
    }
  }
  expect(faultsOf(0)).toEqual([])
  expect(faultsOf(2)).toEqual([
    expect.stringMatching(/^the schema voice\/n0\.json can't be used: .*did you mean "string"\?$/),
    expect.stringContaining("the schema voice/n1.json can't be used"),
  ])
  expect(faultsOf(23)).toHaveLength(21)
  expect(faultsOf(23).at(-1)).toBe("and 3 more files")
})
