import { describe, expect, test } from "bun:test"
import { draftOfCloudEvent } from "../../src/event/cloud-event.ts"
import { EventInvalidError } from "../../src/event/errors.ts"
import { validateDraft } from "../../src/event/validate.ts"

const CLOUD_EVENT = { specversion: "1.0", id: "e-1", source: "/calls", type: "voice.ended" }

/** Returns invalid fields for an event or a CloudEvent, with names of this length. */
const wrongFields = (count: number, length = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`X${"X".repeat(length)}${i}`, i]))

function errorOf(run: () => unknown): EventInvalidError {
  try {
    run()
  } catch (error) {
    if (error instanceof EventInvalidError) return error
    throw error
  }
  throw new Error("it was accepted")
}

const kinds: readonly (readonly [string, (fields: object) => unknown])[] = [
  ["an event", (fields) => validateDraft({ type: "voice", name: "x", payload: {}, ...fields })],
  ["a CloudEvent", (fields) => draftOfCloudEvent({ ...CLOUD_EVENT, ...fields })],
]

describe.each(kinds)("the faults of %s", (_, check) => {
  test("are listed and counted, the first 100", () => {
    const error = errorOf(() => check(wrongFields(5_000)))
    expect(error.faults).toHaveLength(100)
    expect(error.faultCount).toBe(5_000)
    expect(error.message.length).toBeLessThan(20_000)
  })

  test("quote only the beginning of a long name", () => {
    const error = errorOf(() => check(wrongFields(1, 100_000)))
    expect(error.faults[0]?.pointer).toMatch(/^\/X{255}…$/)
  })

  test("are fewer than 100 if they are long", () => {
    const error = errorOf(() => check(wrongFields(1_000, 1_000)))
    expect(JSON.stringify(error.faults).length).toBeLessThan(25_000)
    expect(error.faultCount).toBe(1_000)
  })
})

test.each([
  ["nests too deep", `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
  ["has a number that is too large", '{"a":1e999}'],
  ["is not JSON", "{"],
])("metadata in an extension that %s is rejected", (_, eventbrokermetadata) => {
  const error = errorOf(() => draftOfCloudEvent({ ...CLOUD_EVENT, eventbrokermetadata }))
  expect(error.faults).toHaveLength(1)
  expect(error.faults[0]).toMatchObject({ pointer: "/eventbrokermetadata" })
})
