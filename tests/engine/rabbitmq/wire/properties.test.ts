import { expect, test } from "bun:test"
import fc from "fast-check"
import {
  type EncodedField,
  fieldsOf,
  readTable,
  textField,
} from "../../../../src/engine/rabbitmq/wire/field-table.ts"
import { WireProperties } from "../../../../src/engine/rabbitmq/wire/wire-properties.ts"
import { WireView } from "../../../../src/engine/rabbitmq/wire/wire-view.ts"
import { encodeField, encodeProperties, type ForeignField } from "../../../support/rabbitmq/foreign-fields.ts"

test("reading the properties of a message never fails, whatever its bytes", () => {
  const likely = fc
    .tuple(fc.constantFrom(0xffff, 0x2000, 0xa040), fc.uint8Array({ maxLength: 300 }))
    .map(([flags, rest]) => Uint8Array.of(flags >> 8, flags & 255, ...rest))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), likely), (bytes) => {
      const properties = WireProperties.decode(Buffer.from(bytes))
      expect(typeof properties.headers).toBe("object")
      expect(Array.isArray([...properties.encodedHeaders()])).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test("a table that nests 20,000 levels is skipped, and its neighbours are read", () => {
  const parts: Buffer[] = []
  let length = 0
  for (let level = 0; level < 20_000; level++) {
    const head = Buffer.from([1, 110, 70, 0, 0, 0, 0])
    head.writeUInt32BE(length, 3)
    parts.unshift(head)
    length += head.length
  }
  const beside = Buffer.concat([Buffer.from([4]), Buffer.from("name"), encodeField({ type: "t", value: 1 })])
  const table = new Uint8Array(Buffer.concat([...parts, beside]))
  expect(readTable(table)["name"]).toBe(true)
})

const values: readonly ForeignField[] = [
  { type: "i", value: 4_000_000_000 },
  { type: "D", scale: 200, value: 1 },
  { type: "d", value: 0.1 },
  { type: "l", value: -(2n ** 63n) },
  { type: "T", value: 2n ** 63n },
  { type: "S", value: Uint8Array.of(0xff) },
  { type: "A", value: [{ type: "V" }, { type: "F", value: [["a", { type: "u", value: 7 }]] }] },
]

test("a field is written again byte for byte, whatever its type", () => {
  for (const value of values) {
    const properties = WireProperties.decode(encodeProperties({ headers: [["h", value]] }))
    const headers = Object.fromEntries(properties.encodedHeaders())
    const view = new WireView(new ArrayBuffer(1_000))
    const length = view.setProperties(0, { headers })
    const written = new Uint8Array(view.buffer).subarray(0, length)
    expect(written).toEqual(new Uint8Array(encodeProperties({ headers: [["h", value]] })))
  }
})

test.each([2 ** 31, 4_000_000_000, -(2 ** 31) - 1, 0.1, -7, 2 ** 53 - 1])(
  "the number %d is written exactly",
  (value) => {
    const view = new WireView(new ArrayBuffer(100))
    const length = view.setTable(0, { value } as never)
    expect(readTable(new Uint8Array(view.buffer).slice(4, length))["value"]).toBe(value)
  },
)

test("a field of unknown type ends the table; earlier fields are kept", () => {
  const table = new Uint8Array(Buffer.from("\x01at\x01\x01bZ123"))
  expect([...fieldsOf(table)].map(([name]) => name)).toEqual(["a"])
})

test("other headers and properties replace those that came, and the rest stays", () => {
  const kept: ForeignField = { type: "l", value: 2n ** 62n + 1n }
  const given = encodeProperties({ appId: "other", contentType: "text/plain", headers: [["kept", kept]] })
  const properties = WireProperties.decode(given)
  const noUtf8 = "\uFFFD".repeat(100)
  const headers: readonly (readonly [string, EncodedField])[] = [
    [noUtf8, textField("lost")],
    ...properties.encodedHeaders(),
    ["new", textField("grüezi")],
  ]
  const changed = properties.with({ contentType: "application/json", messageId: "m-1" }, headers)
  expect(changed).toMatchObject({ appId: "other", contentType: "application/json", messageId: "m-1" })
  const values = Object.entries(changed.headers).map(([name, value]) => `${name}=${value}`)
  expect(values).toEqual([`kept=${Number(2n ** 62n + 1n)}`, "new=grüezi"])
  expect([...(new Map(changed.encodedHeaders()).get("kept") ?? [])]).toEqual([...encodeField(kept)])
  expect(properties.with({}, null).headers).toEqual(properties.headers)
  expect(properties.contentType).toBe("text/plain")
})
