import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"
import { compileTyped, typesOf } from "../support/typed-project.ts"

/** Returns the type of one event's payload, and the types that it refers to. */
function typeOf(schema: unknown, others: Readonly<Record<string, unknown>> = {}): string {
  const text = typesOf({ "voice/it.json": schema, ...others })
  const [, payload = "", shared = ""] = /"voice\/it": ([\s\S]*?)\n {2}\}\n\}\n\n([\s\S]*)$/.exec(text) ?? []
  return `${payload.replaceAll("\n    ", "\n")}\n\n${shared.replace("export {}\n", "")}`.trim()
}

/** Returns the type of a property of a payload. */
const ofProperty = (schema: unknown): string =>
  typeOf({ type: "object", properties: { it: schema }, additionalProperties: false })
    .replace(/^\{\n {2}it\?: /, "")
    .replace(/\n\}$/, "")
    .replaceAll("\n  ", "\n")

describe("the type of a schema", () => {
  test.each<[unknown, string]>([
    [{ type: "string", minLength: 1, format: "date-time" }, "string"],
    [{ type: "integer" }, "number"],
    [{ type: ["boolean", "null"] }, "boolean | null"],
    [{ type: "string", nullable: true }, "string | null"],
    [{}, "unknown"],
    [true, "unknown"],
    [false, "never"],
    [{ minLength: 1 }, "unknown"],
    [{ properties: { a: true } }, "unknown"],
    [{ enum: ["a", -1, null, 'it\'s "it"'] }, '"a" | -1 | null | "it\'s \\"it\\""'],
    [{ type: "string", enum: ["a", 1] }, '"a"'],
    [{ const: { a: [1, "b"] } }, '{\n  a: [1, "b"]\n}'],
    [{ type: "array" }, "unknown[]"],
    [{ type: "array", items: { type: ["string", "number"] } }, "(string | number)[]"],
    [
      {
        type: "array",
        prefixItems: [{ type: "string" }, { type: ["string", "null"] }],
        minItems: 2,
        items: false,
      },
      "[string, string | null]",
    ],
    [{ type: "array", prefixItems: [{ type: "string" }], minItems: 1, maxItems: 1 }, "[string]"],
    [{ type: "object" }, "{ [key: string]: unknown }"],
    [{ type: "object", additionalProperties: false }, "{ [key: string]: never }"],
    [{ type: "object", additionalProperties: { type: "number" } }, "{ [key: string]: number }"],
    [
      { type: "object", patternProperties: { "^x-": { type: "number" } }, additionalProperties: false },
      "{ [key: string]: unknown }",
    ],
    [
      { type: "object", properties: { "a-b": { type: "string" } }, required: ["a-b", "c"] },
      '{\n  "a-b": string\n  c: unknown\n  [key: string]: unknown\n}',
    ],
    [
      { anyOf: [{ type: "string" }, { type: "number" }, { type: "string", pattern: "^a" }] },
      "string | number",
    ],
    [{ oneOf: [{ type: "string" }, { minimum: 1 }] }, "unknown"],
    [
      { type: ["string", "object"], anyOf: [{ minLength: 1 }, { type: "object", required: ["a"] }] },
      "string | { [key: string]: unknown } | {\n  a: unknown\n  [key: string]: unknown\n}",
    ],
    [{ allOf: [{ type: "string" }, { enum: ["a", "b"] }] }, 'string & ("a" | "b")'],
    [{ not: { type: "string" } }, "unknown"],
    [{ type: "string", if: { minLength: 1 }, else: { maxLength: 3 } }, "string"],
  ])("%j is %s", (schema, type) => {
    expect(ofProperty(schema)).toBe(type)
  })

  test("a payload is an object, whatever its schema says", () => {
    expect(typeOf({})).toBe("{ [key: string]: unknown }")
    expect(typeOf({ required: ["a"] })).toBe("{\n  a: unknown\n  [key: string]: unknown\n}")
    expect(typeOf({ type: "string" })).toBe("never")
    expect(typeOf({ $ref: "../common/any.json" }, { "common/any.json": { minProperties: 1 } })).toContain(
      "CommonAny = { [key: string]: unknown }",
    )
  })

  test("descriptions are comments, and can't end them", () => {
    const properties = {
      a: { type: "string", description: "First.\n\n  Second. */ evil" },
      b: { type: "number", description: "Old.", deprecated: true },
    }
    expect(typeOf({ type: "object", properties, additionalProperties: false })).toBe(
      `{
  /**
   * First.
   * Second. *\\/ evil
   */
  a?: string
  /**
   * Old.
   * @deprecated
   */
  b?: number
}`,
    )
  })
})

describe("references", () => {
  const object = (properties: unknown) => ({ type: "object", properties, additionalProperties: false })
  const party = object({ name: { type: "string" } })

  test("what others refer to has a type with a name, and what is short is written in place", () => {
    const schema = {
      ...object({
        id: { $ref: "../common/call-id.json" },
        from: { $ref: "#/$defs/party" },
        to: { $ref: "#/$defs/party" },
      }),
      $defs: { party },
    }
    expect(typeOf(schema, { "common/call-id.json": { type: "string", minLength: 1 } })).toBe(
      `{
  id?: string
  from?: VoiceItParty
  to?: VoiceItParty
}

export type VoiceItParty = {
  name?: string
}`,
    )
  })

  test("a type refers to itself below a property, and files that would have one name have two", () => {
    const tree = object({ children: { type: "array", items: { $ref: "#" } } })
    const schema = object({ one: { $ref: "../a/b-c.json" }, two: { $ref: "../a/b.c.json" } })
    expect(typeOf(schema, { "a/b-c.json": tree, "a/b.c.json": party })).toBe(
      `{
  one?: ABC
  two?: ABC2
}

export type ABC = {
  children?: ABC[]
}

export type ABC2 = {
  name?: string
}`,
    )
  })

  test("a type that would consist of itself is as wide as its kind", async () => {
    // Such a schema can be used, because the values that are tried at the start fail before they come to the reference.
    const one = { a: 1 }
    const schemas = {
      "voice/it.json": { const: one, allOf: [{ $ref: "#" }] },
      "voice/other.json": object({ it: { $ref: "../a/first.json" } }),
      "a/first.json": { const: one, allOf: [{ $ref: "second.json" }] },
      "a/second.json": { const: one, anyOf: [{ $ref: "first.json" }] },
    }
    expect(typesOf(schemas)).toContain("export type VoiceIt = { [key: string]: unknown }\n")
    expect(await compileTyped(schemas, { "code.ts": "export {}" })).toBe("")
  })

  test("below a schema with an address of its own, nothing is known", () => {
    const schema = object({ it: { $id: "urn:own", type: "string" }, other: { $ref: "#/properties/it" } })
    expect(typeOf(schema)).toBe("{\n  it?: unknown\n  other?: unknown\n}")
  })

  test("every version of an event with several has a type, and the highest one is the default", () => {
    const text = typesOf({ "user/a@2.json": party, "user/a.json": object({}), "user/b@7.json": party })
    expect(text.match(/^ {4}"user.*/gm)).toEqual([
      '    "user/a": {',
      '    "user/a@1": { [key: string]: never }',
      '    "user/a@2": {',
      '    "user/b": {',
    ])
  })
})

/** A schema, with a value that it accepts. */
interface Sample {
  readonly schema: object
  readonly value: unknown
}

const text = fc.constantFrom("", "a", "it's", '"', "*/", "é", "\u2028", "line\nend")
const name = fc.constantFrom("a", "b", "call_id", "with space", "*/", "é", "1", "constructor")

const scalar: fc.Arbitrary<Sample> = fc.oneof(
  text.map((value) => ({ schema: { type: "string" }, value })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ schema: { type: "number" }, value })),
  fc.integer().map((value) => ({ schema: { type: ["integer", "null"] }, value })),
  fc.boolean().map((value) => ({ schema: { type: "boolean", description: "*/ on\nor off" }, value })),
  text.map((value) => ({ schema: { enum: [...new Set([value, 1, null, "b"])] }, value })),
  fc.jsonValue({ maxDepth: 2 }).map((value) => ({ schema: {}, value })),
)

const { sample } = fc.letrec<{
  sample: Sample
  object: Sample
  list: Sample
  mixed: Sample
  constant: Sample
}>((tie) => ({
  sample: fc.oneof({ maxDepth: 4 }, scalar, tie("object"), tie("list"), tie("mixed"), tie("constant")),
  object: fc
    .record({
      fields: fc.dictionary(name, tie("sample"), { maxKeys: 4, noNullPrototype: true }),
      absent: tie("sample"),
      others: fc.constantFrom(true, false, undefined),
      areRequired: fc.boolean(),
    })
    .map(({ fields, absent, others, areRequired }) => {
      const entries = Object.entries(fields)
      const properties = Object.fromEntries(entries.map(([key, { schema }]) => [key, schema]))
      const value: Record<string, unknown> = Object.fromEntries(
        entries.map(([key, each]) => [key, each.value]),
      )
      if (others !== false) value["more"] = absent.value
      return {
        schema: {
          type: "object",
          properties: { ...properties, absent: absent.schema },
          ...(areRequired ? { required: entries.map(([key]) => key) } : {}),
          ...(others === undefined ? {} : { additionalProperties: others }),
        },
        value,
      }
    }),
  list: fc.array(tie("sample"), { minLength: 1, maxLength: 3 }).chain((items) =>
    fc.constantFrom<Sample>(
      {
        schema: { type: "array", items: { anyOf: items.map(({ schema }) => schema) } },
        value: items.map(({ value }) => value),
      },
      {
        schema: {
          type: "array",
          prefixItems: items.map(({ schema }) => schema),
          items: false,
          minItems: items.length,
        },
        value: items.map(({ value }) => value),
      },
    ),
  ),
  mixed: fc.tuple(tie("sample"), tie("sample")).chain(([one, other]) =>
    fc.constantFrom<Sample>(
      { schema: { anyOf: [one.schema, other.schema] }, value: other.value },
      { schema: { oneOf: [other.schema, one.schema] }, value: one.value },
      { schema: { allOf: [one.schema, { anyOf: [one.schema, other.schema] }] }, value: one.value },
      {
        schema: {
          type: "object",
          properties: { a: one.schema },
          anyOf: [{ required: ["a"] }, { required: ["b"] }],
        },
        value: { a: one.value },
      },
    ),
  ),
  constant: fc.jsonValue({ maxDepth: 2 }).map((value) => ({ schema: { const: value }, value })),
}))

/** Values that JSON has another form for, or that a literal in TypeScript means something else by. */
const isPlain = (value: unknown): boolean => {
  const json = JSON.stringify(value)
  return !json.includes("__proto__") && Bun.deepEquals(JSON.parse(json), value, true)
}

test("the types of any schemas compile, and accept what the schemas accept", async () => {
  const tried = fc.array(sample, { minLength: 40, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(tried, async (samples) => {
      const schemas = Object.fromEntries(
        samples.map(({ schema }, index) => [
          `custom/e${index}.json`,
          {
            type: "object",
            properties: { it: schema, again: { $ref: `e${index}.json#/properties/it` } },
            required: ["it"],
          },
        ]),
      )
      const files = Object.entries(schemas).map(([path, schema]) => ({ path, schema }))
      const catalog = new SchemaCatalog(files)
      const code = samples.flatMap(({ value }, index) => {
        const payload = { it: value, again: value }
        const event = { type: "custom", name: `e${index}`, payload, metadata: {} } as const
        if (!isPlain(value) || catalog.faultsOf(event)?.count !== 0) return []
        return `export const c${index}: EventPayloads["custom/e${index}"] = ${JSON.stringify(payload)}`
      })
      const text = `import type { EventPayloads } from "event-broker"\n${code.join("\n")}\n`
      expect(await compileTyped(schemas, { "code.ts": text })).toBe("")
    }),
    // The compiler names the sample that fails; looking for a smaller one takes minutes.
    { numRuns: 8, endOnFailure: true },
  )
}, 120_000)
