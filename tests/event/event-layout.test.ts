import { expect, test } from "bun:test"
import type { EventDraft } from "../../src/event/envelope.ts"
import { layoutOf } from "../../src/event/event-layout.ts"
import { newEvent } from "../support/new-event.ts"

/** Lengths of type, id, name, routing key and ordering key. */
function lengthsOf(draft: Partial<EventDraft>): readonly number[] | null {
  const event = newEvent(draft)
  const layout = layoutOf(event, JSON.stringify(event))
  return layout === null ? null : [0, 1, 2, 3, 4].map((byte) => Math.floor(layout / 256 ** byte) % 256)
}

test.each<[Partial<EventDraft>, readonly number[]]>([
  [{ id: "e-1", type: "voice", name: "call.ended" }, [5, 3, 10, 0, 0]],
  [{ id: "e-1", name: "n", routing_key: "calls" }, [6, 3, 1, 5, 0]],
  [{ id: "e-1", name: "n", routing_key: "events.custom.n" }, [6, 3, 1, 0, 0]],
  [{ id: "e-1", name: "n", ordering_key: "c-4711" }, [6, 3, 1, 0, 6]],
  [
    { id: "i".repeat(128), name: "n", routing_key: "r".repeat(255), ordering_key: "k".repeat(128) },
    [6, 128, 1, 255, 128],
  ],
  [{ id: "e", name: "n", payload: { text: 'ü\\"' }, metadata: { status: "pending" } }, [6, 1, 1, 0, 0]],
])("the layout of %j has the lengths of its parts", (draft, lengths) => {
  expect(lengthsOf(draft)).toEqual(lengths)
})

test.each<Partial<EventDraft>>([
  { id: 'a "quoted" id' },
  { id: "back\\slash" },
  { id: "ünïcode" },
  { ordering_key: "ß" },
  { ordering_key: '"' },
  { routing_key: "calls.é" },
])("an event with %j has no layout, because a part has another length in its JSON", (draft) => {
  expect(lengthsOf(draft)).toBeNull()
})

test("JSON that this service did not write has no layout", () => {
  const event = newEvent({ id: "e-1" })
  const { id, type, ...rest } = event
  expect(layoutOf(event, JSON.stringify({ type, id, ...rest }))).toBeNull()
  expect(layoutOf(event, JSON.stringify({ ...event, retry_count: 1 }))).toBeNull()
  expect(layoutOf(event, JSON.stringify(event, null, 1))).toBeNull()
})
