import { anyHead, anyHost, encodedPath, oldVersion } from "./broken-heads.ts"
import { anyValue, brokenText, mutatedEvent } from "./broken-json.ts"
import type { Dice } from "./dice.ts"
import { type Exchange, head, JSON_TYPE, one, post } from "./exchange.ts"
import { stalled } from "./stalled-bodies.ts"

const PUBLISH = "/api/v1/events"
const BATCH = "/api/v1/events/batch"
const DEAD_LETTERS = "/api/v1/dead-letters/custom_events"
const REDRIVE = `${DEAD_LETTERS}/redrive`

const VALID = '{"type":"voice","name":"speech_recognized","payload":{"text":"hello"}}'

/** What makes an exchange of each kind, with how many of a hundred are of it. */
const KINDS: Readonly<
  Record<string, readonly [share: number, make: (dice: Dice) => Omit<Exchange, "kind">]>
> = {
  "fields of an event": [15, (dice) => one(post(PUBLISH, JSON.stringify(mutatedEvent(dice))))],
  "attributes of a CloudEvent": [6, (dice) => one(brokenCloudEvent(dice))],
  "text that is not JSON": [11, (dice) => one(post(dice.oneOf([PUBLISH, BATCH, REDRIVE]), brokenText(dice)))],
  "a batch": [8, (dice) => one(post(BATCH, JSON.stringify(brokenBatch(dice))))],
  "a body of another route": [6, (dice) => one(post(REDRIVE, JSON.stringify(brokenRedrive(dice))))],
  headers: [10, (dice) => one(post(PUBLISH, VALID, brokenHeaders(dice)))],
  "methods and paths": [10, (dice) => one(head(dice.oneOf(METHODS), brokenPath(dice)))],
  queries: [5, (dice) => one(head(dice.oneOf(["GET", "DELETE"]), DEAD_LETTERS + brokenQuery(dice)))],
  "sizes that are too large": [3, (dice) => tooLarge(dice)],
  "lengths that are not true": [4, (dice) => wrongLength(dice)],
  "slow bodies": [1, (dice) => slow(dice)],
  "bodies that stall": [1, (dice) => stalled(dice)],
  "clients that leave": [3, (dice) => leaving(dice)],
  "pipelined requests": [4, (dice) => pipelined(dice)],
  "bytes that are not HTTP": [2, (dice) => noHttp(dice)],
  "heads that are nearly HTTP": [3, (dice) => anyHead(dice)],
  hosts: [2, (dice) => anyHost(dice)],
  "HTTP/1.0": [2, (dice) => oldVersion(dice)],
  "encoded paths": [4, (dice) => encodedPath(dice)],
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"]

export function brokenExchange(dice: Dice): Exchange {
  let at = dice.below(100)
  for (const [kind, [share, make]] of Object.entries(KINDS)) {
    at -= share
    if (at < 0) return { kind, ...make(dice) }
  }
  throw new Error("the shares do not make a hundred")
}

function brokenCloudEvent(dice: Dice): Uint8Array {
  const names = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "data",
    "data_base64",
    "priority",
    "__proto__",
  ]
  const event = {
    specversion: "1.0",
    id: "e-1",
    source: "/calls",
    type: "voice.ended",
    [dice.oneOf(names)]: anyValue(dice),
    [dice.text(5)]: anyValue(dice),
  }
  const value = dice.text(30).replaceAll(/[^\x20-\x7e]/g, "?")
  return dice.oneOf([
    () => post(PUBLISH, JSON.stringify(event), ["Content-Type: application/cloudevents+json"]),
    () => post(BATCH, JSON.stringify([event, event]), ["Content-Type: application/cloudevents-batch+json"]),
    () =>
      post(PUBLISH, VALID, [
        JSON_TYPE,
        "ce-specversion: 1.0",
        `ce-${dice.oneOf(names)}: ${value}`,
        "ce-id: x",
      ]),
  ])()
}

function brokenBatch(dice: Dice): unknown {
  const events = (count: number) => Array.from({ length: count }, () => mutatedEvent(dice))
  return dice.oneOf<() => unknown>([
    () => ({ events: events(dice.below(20)) }),
    () => ({ events: Array(1_001).fill({}) }),
    () => ({ events: [anyValue(dice), mutatedEvent(dice), anyValue(dice)] }),
    () => ({ events: anyValue(dice) }),
    () => ({ events: [], more: anyValue(dice) }),
    () => anyValue(dice),
  ])()
}

const brokenRedrive = (dice: Dice): unknown =>
  dice.oneOf<() => unknown>([
    () => anyValue(dice),
    () => ({
      [dice.oneOf(["ids", "reason", "name", "limit", "all", "dry_run", "__proto__"])]: anyValue(dice),
    }),
  ])()

/** Of a request that would else be good. */
function brokenHeaders(dice: Dice): readonly string[] {
  const value = dice.text(30).replaceAll(/[^\x20-\x7e]/g, "?")
  return dice.oneOf<() => readonly string[]>([
    () => [],
    () => [`Content-Type: ${value}`],
    () => [
      `Content-Type: ${dice.oneOf(["text/plain", "application/json; charset=latin1", "APPLICATION/JSON", "json"])}`,
    ],
    () => [JSON_TYPE, `Content-Encoding: ${dice.oneOf(["gzip", "br", "identity", value])}`],
    () => [JSON_TYPE, `X-Request-Id: ${dice.oneOf([value, "x".repeat(5_000)])}`],
    () => [JSON_TYPE, `Authorization: ${dice.oneOf([value, "Bearer", "Bearer x", `Basic ${value}`])}`],
    () => [JSON_TYPE, `traceparent: ${value}`, `tracestate: ${value}`],
    () => [JSON_TYPE, `Origin: ${value}`, `Cookie: ${value}`, `Range: ${value}`, `If-None-Match: ${value}`],
    () => [
      JSON_TYPE,
      `Accept: ${value}`,
      `Accept-Encoding: ${value}`,
      "Upgrade: websocket",
      "Connection: upgrade",
    ],
    () => [JSON_TYPE, ...Array.from({ length: 50 }, (_, i) => `X-${i}: ${value}`)],
    () => [JSON_TYPE, "Content-Type: text/plain"],
  ])()
}

function brokenPath(dice: Dice): string {
  const segment = encodeURIComponent(dice.text(10).toWellFormed())
  return dice.oneOf([
    `/${segment}`,
    `/api/v1/events/queues/${segment}/pause`,
    `/api/v1/dead-letters/${segment}`,
    `/api/v1/dead-letters/${segment}/redrive`,
    `${PUBLISH}/`,
    `${PUBLISH}?${segment}=${segment}`,
    `/api//v1///events`,
    "/%00",
    "/%",
    "/%ff%fe",
    "/../../etc/passwd",
    "//",
    `/${"a/".repeat(dice.below(1_000))}`,
    "/health",
    "/metrics",
    "/openapi.json",
    "/",
  ])
}

function brokenQuery(dice: Dice): string {
  const value = encodeURIComponent(dice.text(10).toWellFormed())
  const name = dice.oneOf(["limit", "reason", "name", "ids", "dry_run", value])
  const given = dice.oneOf([
    "-1",
    "0",
    "1.5",
    "NaN",
    "1e9",
    "9".repeat(40),
    "",
    "true",
    value,
    `${value},${value}`,
  ])
  return `?${name}=${given}${dice.chance(0.3) ? `&${name}=${given}` : ""}`
}

/** Over the limit of the service that is tried, by what is declared or by what comes. */
function tooLarge(dice: Dice): Omit<Exchange, "kind"> {
  const declared = `Content-Length: ${dice.oneOf(["65537", "1000000", "999999999999"])}`
  const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`
  return dice.chance(0.5)
    ? one(head("POST", PUBLISH, [JSON_TYPE, declared]))
    : one(
        head("POST", PUBLISH, [JSON_TYPE, "Transfer-Encoding: chunked"]),
        chunk,
        chunk,
        chunk,
        chunk,
        "1\r\nx\r\n",
      )
}

function wrongLength(dice: Dice): Omit<Exchange, "kind"> {
  const declared = dice.oneOf([
    ["Content-Length: -1"],
    ["Content-Length: 1x"],
    ["Content-Length: 5", "Content-Length: 6"],
    [`Content-Length: ${VALID.length}`, "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: gzip"],
    ["Content-Length: 3"],
  ])
  return {
    parts: [head("POST", PUBLISH, [JSON_TYPE, ...declared]) + VALID],
    requests: 1,
    ending: "answered-or-closed",
  }
}

/** Longer on its way than the service that is tried allows. */
function slow(dice: Dice): Omit<Exchange, "kind"> {
  const begun = head("POST", PUBLISH, [JSON_TYPE, `Content-Length: ${VALID.length}`])
  const drops = [...VALID].flatMap((character) => [character, 100])
  if (dice.chance(0.5)) return one(begun, VALID.slice(0, 10))
  // A client that goes on sending may lose the answer to the reset of the connection (RFC 9112, section 9.6).
  return { parts: [begun, ...drops], requests: 1, ending: "answered-or-closed" }
}

function leaving(dice: Dice): Omit<Exchange, "kind"> {
  const request = Buffer.from(post(PUBLISH, VALID))
  const parts = [request.subarray(0, dice.below(request.length)), null]
  return { parts, requests: 1, ending: "answered-or-closed" }
}

function pipelined(dice: Dice): Omit<Exchange, "kind"> {
  const requests = Array.from({ length: 2 + dice.below(4) }, () =>
    dice.chance(0.5)
      ? post(PUBLISH, JSON.stringify(mutatedEvent(dice)))
      : Buffer.from(head("GET", brokenPath(dice))),
  )
  // Bun closes the connection where a request comes while the one before waits for its answer (oven-sh/bun#38128).
  return { parts: [Buffer.concat(requests)], requests: requests.length, ending: "answered-or-closed" }
}

function noHttp(dice: Dice): Omit<Exchange, "kind"> {
  const bytes = Uint8Array.from({ length: 1 + dice.below(200) }, () => dice.below(256))
  const text = dice.oneOf([
    "GET\r\n\r\n",
    "POST / HTTP/9.9\r\n\r\n",
    "\r\n\r\n\r\n",
    `GET /${" "} HTTP/1.1\r\n\r\n`,
  ])
  return { parts: [dice.chance(0.5) ? bytes : text, null], requests: 1, ending: "answered-or-closed" }
}
