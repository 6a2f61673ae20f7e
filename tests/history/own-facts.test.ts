import { expect, test } from "bun:test"
import { type FactBatch, joinLines, publishedLine } from "../../src/event/history-fact.ts"
import { readFact } from "../../src/history/fact-line.ts"
import { Projection } from "../../src/history/projection.ts"
import { ROOMY, START } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
const END_OF_EVENT = '"status":"pending","retry_count":0}'

const MARKS = {
  marks: [
    { by: "id", hash: "ab12", fingerprint: null },
    { by: "key", hash: "cd34", fingerprint: "ef56" },
  ],
  until: START + 600_000,
}

/** Events whose JSON is taken apart, and some whose JSON has to be parsed. */
const EVENTS = [
  newEvent({ id: "plain" }),
  newEvent({ id: "of a key", ordering_key: "call 7" }),
  newEvent({ id: "own key", routing_key: "calls.ended" }),
  newEvent({ id: "grüße 世界", payload: { text: "🎧", n: 1.5e300 } }),
  newEvent({ id: 'quo"ted' }),
  newEvent({ id: "back\\slash", ordering_key: 'a "key"' }),
  newEvent({
    id: "ends within",
    payload: { text: END_OF_EVENT },
    metadata: { text: `,"event":{${END_OF_EVENT}` },
  }),
  newEvent({ id: "empty", payload: {}, metadata: {} }),
]

const DETAILS = [
  null,
  { trace: TRACE },
  { caused_by: "b" },
  { trace: TRACE, caused_by: 'q"', once: MARKS },
  { once: MARKS },
]

const lines = EVENTS.flatMap((event, index) =>
  DETAILS.map((details, kind) => {
    const id = `${event.id} ${kind}`
    const queues = [["calls"], ["calls", "othér"], []][(index + kind) % 3] ?? []
    const json = JSON.stringify({ ...event, id })
    const { head } = publishedLine(
      { at: START + index, queues },
      new Uint8Array(),
      details && JSON.stringify(details),
    )
    return { id, json, text: `${head}${json}}` }
  }),
)

function historyOf(batch: Omit<FactBatch, "token" | "position">): Projection {
  const projection = Projection.open(":memory:", ROOMY)
  const applied = projection.apply([{ token: "t", position: "p", ...batch }], START)
  expect(applied).toEqual({ skipped: 0, repeated: 0 })
  return projection
}

test("publications that this process wrote give the same history as those that are read from the list of facts", () => {
  const text = joinLines(lines.map((line) => line.text))
  using own = historyOf({ text, isOwn: true })
  using read = historyOf({ text })
  for (const { id, json } of lines) {
    expect(own.lookup(id)).toMatchObject({ id, body: json })
    expect(own.lookup(id)).toEqual(read.lookup(id))
  }
  expect(own.list({ limit: 100 })).toEqual(read.list({ limit: 100 }))
})

test("the event of a publication that this process wrote is not parsed again", () => {
  const [{ text } = { text: "" }] = lines
  const damaged = text.replace('"payload":{', '"payload":{]')
  expect(readFact(damaged)).toBeNull()
  expect(readFact(damaged, true)).toMatchObject({ fact: "published", event: { id: "plain 0" } })
})

test("a damaged line of another process is no fact, wherever it is damaged", () => {
  for (const { text } of lines) {
    for (const damage of [
      text.slice(0, -1),
      `${text}}`,
      text.replace('"queues":[', '"queues":["a""b",'),
      text.replace(/"queues":\[.*?\]/, '"queues":["a",]'),
      text.replace('"payload":{', '"payload":{]'),
      text.replace('"type":"custom"', '"type":"none"'),
    ])
      expect(readFact(damage)).toBeNull()
  }
})
