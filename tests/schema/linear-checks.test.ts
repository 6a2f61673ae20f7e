import { describe, expect, test } from "bun:test"
import Ajv from "ajv/dist/2020.js"
import addFormats from "ajv-formats"
import fc from "fast-check"
import { FORMAT_NAMES, formatOf } from "../../src/schema/formats.ts"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"

/** Makes a check that lists the faults of payloads `{value}` as short texts. */
function checker(value: object, definitions: object = {}) {
  const schema = { properties: { value }, $defs: definitions }
  const catalog = new SchemaCatalog([{ path: "custom/event.json", schema }])
  return (payload: unknown): readonly string[] => {
    const found = catalog.faultsOf({
      type: "custom",
      name: "event",
      payload: { value: payload },
      metadata: {},
    })
    return (found?.faults ?? []).map(({ pointer, message }) => `${pointer} ${message}`)
  }
}

describe("a large payload is checked once, and no part is compared with each other part:", () => {
  const OBJECTS = Array.from({ length: 50_000 }, (_, id) => ({ id, tags: [{ id }] }))

  test("items that must be unique", () => {
    const check = checker({ uniqueItems: true })
    expect(check(OBJECTS)).toEqual([])
    const [fault] = check([...OBJECTS, { tags: [{ id: 7 }], id: 7 }])
    expect(fault).toBe("/payload/value must not have an item twice (items 7 and 50000 are equal)")
  })

  test("items that must be unique on every level", () => {
    const check = checker(
      { $ref: "#/$defs/list" },
      { list: { uniqueItems: true, items: { $ref: "#/$defs/list" } } },
    )
    let nested: unknown = OBJECTS
    for (let level = 0; level < 90; level++) nested = [level, nested]
    expect(check(nested)).toEqual([])
  })

  test("values from a long list", () => {
    const values = Array.from({ length: 20_000 }, (_, index) => `value-${index}`)
    const check = checker({ items: { enum: values } })
    expect(check(Array(100_000).fill("value-19999"))).toEqual([])
    expect(check([values[0], "other"])[0]).toStartWith('/payload/value/1 must be one of ["value-0"')
  })

  test("text for a pattern, a name's pattern or a format that is made to be slow", () => {
    const slow = `${"a".repeat(100_000)}!`
    expect(checker({ pattern: "^(a+)+$" })(slow)).toEqual(['/payload/value must match pattern "^(a+)+$"'])
    expect(checker({ propertyNames: { pattern: "^(a|aa)+$" } })({ [slow]: 1 })).toHaveLength(2)
    const names = checker({
      patternProperties: { "^(a+)+$": { const: 1 } },
      additionalProperties: { const: 2 },
    })
    expect(names({ [slow]: 2, aaa: 1 })).toEqual([])
    for (const format of FORMAT_NAMES) checker({ format })(slow)
  })
})

test("items are unique by JSON's rules", () => {
  const check = checker({ uniqueItems: true })
  for (const items of [
    [1, true, "1", null, "null", [1], ["1"], {}, []],
    [
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ],
    [["a b"], ["a", "b"]],
  ])
    expect(check(items)).toEqual([])
  for (const items of [
    [0, -0],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    ["__proto__", "__proto__"],
    [1, 1.0],
  ])
    expect(check(items)).toHaveLength(1)
  expect(checker({ uniqueItems: false })([1, 1])).toEqual([])
})

test("a value of an enum may be of any type", () => {
  const check = checker({ enum: ["a", 0, null, { x: [1], y: 2 }, [3]] })
  for (const value of ["a", 0, null, { y: 2, x: [1] }, [3]]) expect(check(value)).toEqual([])
  for (const value of ["b", 1, false, { x: [1] }, [3, 3]]) expect(check(value)).toHaveLength(1)
})

/** A payload as deep as JSON may be, with two fields on each level that lead deeper. */
const deep = (levels: number): unknown => (levels === 0 ? {} : { left: deep(levels - 1) })

describe("a schema that refers to itself", () => {
  test("is followed as deep as the payload goes", () => {
    const node = { properties: { left: { $ref: "#/$defs/node" } }, additionalProperties: false }
    const check = checker({ $ref: "#/$defs/node" }, { node })
    expect(check(deep(90))).toEqual([])
    expect(check({ left: { left: { right: 1 } } })).toEqual([
      "/payload/value/left/left/right is not a field of the schema",
    ])
  })

  test("twice from one place answers that the check takes too long", () => {
    const branch = { properties: { left: { $ref: "#/$defs/node" } } }
    const check = checker({ $ref: "#/$defs/node" }, { node: { allOf: [branch, branch] } })
    expect(check(deep(5))).toEqual([])
    expect(check(deep(90))).toEqual([
      "/payload takes too long to check against its schema, which refers to itself",
    ])
  })

  test("endlessly for some payloads answers so, and goes on with others", () => {
    const node = { dependentSchemas: { loop: { $ref: "#/$defs/node" } } }
    const check = checker({ $ref: "#/$defs/node" }, { node })
    expect(check({ loop: 1 })).toEqual([
      "/payload takes too long to check against its schema, which refers to itself",
    ])
    expect(check({ other: 1 })).toEqual([])
  })
})

describe("a format accepts the values that the library's own format accepts", () => {
  const ajv = addFormats(new Ajv())
  const pieces = fc.constantFrom(
    ..."aAzf0159:/?#[]@!$&'()*+,;=-._~%{}|\\^\"<> é",
    ..."%41 :: // http: user@ 1.2.3.4 256 :1: v1. ffff a.b {a,b} {+x:3} ~0 ~1 example.com xn--a 00 == AAAA T Z".split(
      " ",
    ),
  )
  const parts = fc.array(pieces, { maxLength: 12 }).map((each) => each.join(""))
  const valid = fc.oneof(
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.emailAddress(),
    fc.ipV4(),
    fc.ipV6(),
    fc.uuid(),
    fc.base64String(),
    fc.domain(),
    fc.ipV6().map((address) => `coap://[${address}]:1/x`),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  )
  const value = fc.oneof(
    parts,
    valid,
    fc.tuple(valid, pieces).map((each) => each.join("")),
  )
  const names = FORMAT_NAMES.filter(
    (name) => !["int32", "int64", "float", "double", "password", "binary"].includes(name),
  )

  test.each(names)("%s", (name) => {
    const ours = formatOf(name)
    const theirs = ajv.compile({ type: "string", format: name })
    const accepts = (text: string): boolean => {
      if (typeof ours === "function") return ours(text) === true
      if (ours instanceof RegExp) return ours.test(text)
      const validate = typeof ours === "object" ? ours.validate : undefined
      return typeof validate === "function" && validate(text as never) === true
    }
    fc.assert(
      fc.property(value, (text) => {
        expect([text, accepts(text)]).toEqual([text, theirs(text)])
      }),
      { numRuns: 1_000 },
    )
  })
})
