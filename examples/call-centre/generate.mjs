/**
 * Writes a day of a call centre as events, one per line, in the order that they happen. Writes the expected sums to
 * standard error.
 *
 *     node examples/call-centre/generate.mjs 50000 > day.ndjson
 */

const COUNT = Number(process.argv[2] ?? 50_000)
const DAY_MS = 24 * 3_600_000
const MIDNIGHT = Date.parse("2026-11-24T00:00:00Z")
const WORDS = ["hello", "my order", "an invoice", "a human, please", "thank you", "the address", "goodbye"]

/** Makes the same day each time. Source: mulberry32, a generator of 32 bits in the public domain. */
let state = 1
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const between = (low, high) => low + Math.floor(random() * (high - low + 1))

/** Makes the events of one call, each with its time. Most calls come around noon. */
function newCall(number) {
  const id = `call-${number}`
  const startedAt = MIDNIGHT + Math.floor(((random() + random() + random()) / 3) * DAY_MS)
  const events = []
  let at = startedAt
  const add = (name, payload) => {
    events.push({
      at,
      event: {
        id: `${id}/${events.length}`,
        type: "voice",
        name,
        payload: { call_id: id, ...payload },
        ordering_key: id,
        metadata: { happened_at: new Date(at).toISOString(), position: events.length },
      },
    })
    at += between(1_000, 20_000)
  }
  add("call.started", { from: `+49${between(1e9, 9e9)}`, started_at: new Date(startedAt).toISOString() })
  for (let turn = between(1, 12); turn > 0; turn--) {
    add("speech_recognized", { text: WORDS[between(0, WORDS.length - 1)], confidence: random() })
  }
  add("call.ended", { duration_seconds: Math.round((at - startedAt) / 1_000), reason: "hung-up" })
  return events
}

const events = []
for (let number = 1; events.length < COUNT; number++)
  events.push(...newCall(number).slice(0, COUNT - events.length))
events.sort((a, b) => a.at - b.at)

const totals = { events: events.length, calls: 0, utterances: 0, seconds: 0 }
const chunks = []
for (const { event } of events) {
  if (event.name === "call.started") totals.calls++
  if (event.name === "speech_recognized") totals.utterances++
  if (event.name === "call.ended") totals.seconds += event.payload.duration_seconds
  chunks.push(`${JSON.stringify(event)}\n`)
}
process.stdout.write(chunks.join(""))
process.stderr.write(`${JSON.stringify(totals)}\n`)
