import { expect, test } from "bun:test"
import { LIVE_FORMATS } from "../../src/http/live/live-format.ts"
import { newEvent } from "../support/new-event.ts"

const event = newEvent({ name: "ended", payload: { text: "a\nb" } })
const stored = (body: string, isForeign: boolean) => ({ routingKey: "x", body, isForeign, malformed: null })

test("an event is one line of data, whoever published it and however it was written", () => {
  const expected = `event: event\ndata: ${JSON.stringify(event)}\n\n`
  for (const body of [JSON.stringify(event), JSON.stringify(event, null, 2)]) {
    expect(LIVE_FORMATS.event.write(stored(body, true))).toBe(expected)
    expect(LIVE_FORMATS.event.write(stored(body, false))).toBe(expected)
    expect(LIVE_FORMATS.cloudevent.write(stored(body, true))?.split("\n")).toHaveLength(4)
  }
})

test("a message that is not an event is skipped", () => {
  for (const body of ["", "text", "{}", '{"a":1}\n\nevent: event\ndata: {}']) {
    expect(LIVE_FORMATS.event.write(stored(body, true))).toBeNull()
    expect(LIVE_FORMATS.cloudevent.write(stored(body, true))).toBeNull()
  }
})
