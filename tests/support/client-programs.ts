/**
 * User programs with a generated client: each publishes an event, reads its dead letter, and reads the
 * problem of an unroutable event. They are compiled strictly, so they also check the generated types.
 */

const READ_LETTER = `
/** Narrowed by the types alone: a message of another program is not an event. */
function callOf(event: Letter["event"]): unknown {
  if (typeof event !== "object" || event === null || !("payload" in event)) return null
  const { payload } = event
  return typeof payload === "object" && payload !== null && "call_id" in payload ? payload.call_id : null
}
`

const DRAFT = `{ type: "voice", name: "speech_recognized", payload: { call_id: "c-1" } }`
const LOST = `{ type: "voice", name: "heard", payload: {}, routing_key: "nowhere" }`

export const OPENAPI_FETCH_PROGRAM = `
import createClient from "openapi-fetch"
import type { components, paths } from "./client/schema.ts"

type Letter = components["schemas"]["DeadLetter"]
${READ_LETTER}
declare const process: { readonly argv: readonly string[] }
const [url = "", key = ""] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl: url, headers: { "X-API-Key": key } })

const published = await client.POST("/api/v1/events", { body: ${DRAFT} })
if (published.error !== undefined) throw new Error(published.error.detail)
const status: "pending" = published.data.status

let letter: Letter | undefined
while (letter === undefined) {
  const { data, error } = await client.GET("/api/v1/dead-letters/{queue}", {
    params: { path: { queue: "voice_events" }, query: { limit: 1 } },
  })
  if (error !== undefined) throw new Error(error.detail)
  letter = data.dead_letters[0]
}

const lost = await client.POST("/api/v1/events", { body: ${LOST} })
const problem: components["schemas"]["Problem"] | undefined = lost.error
const isUnroutable = problem?.type === "urn:event-broker:problem:unroutable"

console.log(JSON.stringify({
  status, reason: letter.reason, call: callOf(letter.event), isUnroutable, outcome: problem?.outcome,
}))
`

export const HEY_API_PROGRAM = `
import { client } from "./client/client.gen"
import { type DeadLetter as Letter, listDeadLetters, type Problem, publishEvent } from "./client"
${READ_LETTER}
declare const process: { readonly argv: readonly string[] }
const [url = "", key = ""] = process.argv.slice(2)
client.setConfig({ baseUrl: url, auth: key })

const published = await publishEvent({ body: ${DRAFT} })
if (published.error !== undefined) throw new Error(published.error.detail)
const status: "pending" = published.data.status

let letter: Letter | undefined
while (letter === undefined) {
  const { data, error } = await listDeadLetters({ path: { queue: "voice_events" }, query: { limit: 1 } })
  if (error !== undefined) throw new Error(error.detail)
  letter = data.dead_letters[0]
}

const lost = await publishEvent({ body: ${LOST} })
const problem: Problem | undefined = lost.error
const isUnroutable = problem?.type === "urn:event-broker:problem:unroutable"

console.log(JSON.stringify({
  status, reason: letter.reason, call: callOf(letter.event), isUnroutable, outcome: problem?.outcome,
}))
`
