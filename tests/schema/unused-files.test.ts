import { expect, test } from "bun:test"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"
import { findUnusedFiles } from "../../src/schema/unused-files.ts"

/** The reasons by path, for a folder with these JSON files, which are schemas, and these other ones. */
function unusedOf(schemas: Readonly<Record<string, unknown>>, others: readonly string[] = []) {
  const catalog = new SchemaCatalog(Object.entries(schemas).map(([path, schema]) => ({ path, schema })))
  const unused = findUnusedFiles(catalog, [...Object.keys(schemas), ...others])
  return Object.fromEntries(unused.map(({ path, reason }) => [path, reason]))
}

test.each([
  ["vioce/call.json", "did you mean voice/call.json?"],
  ["Voice/call@2.json", "did you mean voice/call@2.json?"],
  ["voice/call/ended.json", "did you mean voice/call.ended.json?"],
  ["call.json", "it is in no folder of an event type; did you mean <type>/call.json?"],
  ["call.schema.json", "it is in no folder of an event type; did you mean <type>/call.json?"],
  ["voice.call.ended.schema.json", "did you mean voice/call.ended.json?"],
  ["voice/call.schema.json", "did you mean voice/call.json?"],
  ["voice/call.schema@2.json", "did you mean voice/call@2.json?"],
  ["voice/voice.call.ended.json", "did you mean voice/call.ended.json?"],
  ["voice/events.voice.call.json", "did you mean voice/call.json?"],
  ["billing/invoice.json", "its folder is not the type of an event"],
  ["voice/call ended.json", "no event can have this name"],
  ["voice/call..ended.json", "no event can have this name"],
  ["voice/call@v2.json", "a version is a number after @"],
])("%s is probably not the schema of the event that was meant", (path, reason) => {
  expect(unusedOf({ "user/login.json": {}, [path]: {} })).toEqual({ [path]: reason })
  const named = { $id: `https://example.com/${path}`, $ref: "#/$defs/a", $defs: { a: {} } }
  expect(unusedOf({ "user/login.json": {}, [path]: named })).toEqual({ [path]: reason })
})

test("files of another kind are named if they look like schemas", () => {
  const others = ["voice/a.yaml", "voice/b.yml", "voice/c.json5", "voice/d.JSON", "voice/e.json.bak"]
  const harmless = [
    "README.md",
    "LICENSE",
    "voice",
    "voice/.call.json.swp",
    "..data/voice/x.json",
    "Makefile",
  ]
  expect(Object.keys(unusedOf({ "user/login.json": {} }, [...others, ...harmless]))).toEqual(others)
})

test("a file that another schema refers to is used, in whatever folder, also by an address of its own", () => {
  const unused = unusedOf({
    "voice/call.json": {
      properties: { id: { $ref: "../common/id.json#/$defs/id" }, at: { $ref: "#/$defs/at" } },
      $defs: { at: {} },
    },
    "common/id.json": { $defs: { id: { anyOf: [{ $ref: "number.json" }] } } },
    "common/number.json": { type: "number" },
    "common/named.json": { $id: "https://example.com/named.json" },
    "voice/call@12.json": { $ref: "https://example.com/named.json" },
    "voice/ended.json": { $ref: "shared.schema.json#/$defs/a" },
    "voice/shared.schema.json": { $defs: { a: {} } },
    "custom/user.created.json": {},
  })
  expect(unused).toEqual({})
})
