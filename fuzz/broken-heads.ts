import type { Dice } from "./dice.ts"
import { type Exchange, head, JSON_TYPE, one } from "./exchange.ts"

const VALID = '{"type":"voice","name":"speech_recognized","payload":{"text":"hello"}}'

/** Paths that the service has. */
const PATHS = [
  "/",
  "/health",
  "/health/ready",
  "/metrics",
  "/docs",
  "/docs/start.js",
  "/openapi.json",
  "/api/v1/events",
  "/api/v1/events/batch",
  "/api/v1/events/stream",
  "/api/v1/events/stats",
  "/api/v1/events/queues/voice_events/pause",
  "/api/v1/events/queues/voice_events/resume",
  "/api/v1/dead-letters",
  "/api/v1/dead-letters/voice_events?limit=1",
  "/api/v1/schemas/voice/heard",
]

const METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]

const HOSTS = [
  "",
  " ",
  "fuzz",
  "fuzz:8000",
  "fuzz:",
  ":1",
  "fuzz:65536",
  "fuzz:x",
  "[::1]",
  "[::1",
  "[::1]x",
  "a b",
  "a/b",
  "a\\b",
  "user:password@a",
  "a?b",
  "a#b",
  "http://a",
  "%zz",
  "%41",
  "999.999.999.999",
  "a..b",
  ".",
  "a,b",
  "x".repeat(300),
  "\u00e9",
]

type Kind = Omit<Exchange, "kind">

/** A request without a body, by whatever method; it may be HEAD. */
const bodiless = (method: string, lines: readonly string[], ending: Exchange["ending"]): Kind => ({
  parts: [[...lines, "", ""].join("\r\n")],
  requests: 1,
  ending,
  isHead: method === "HEAD",
})

/** A good path of which any characters are percent-encoded, well, badly or twice, or which has segments too many. */
export function encodedPath(dice: Dice): Kind {
  const hex = (character: string): string => {
    const digits = character.charCodeAt(0).toString(16)
    return dice.chance(0.5) ? digits.toUpperCase() : digits
  }
  const share = dice.oneOf([0.02, 0.1, 0.3])
  const changed = (character: string): string => {
    if (!dice.chance(share)) return character
    return dice.oneOf<() => string>([
      () => `%${hex(character)}`,
      () => `%${hex(character)}`,
      () => `%25${hex(character)}`,
      () => `%${character}`,
      () => `${character}%`,
      () => `${character};a=b`,
      () => `/./${character}`,
      () => `/${character}`,
      () => `${character}/../`,
      () => `%2e%2e/${character}`,
      () => "%c0%af",
      () => "\\",
    ])()
  }
  const path = [...dice.oneOf(PATHS).slice(1)].map(changed).join("")
  const method = dice.oneOf(METHODS)
  return bodiless(method, [`${method} /${path} HTTP/1.1`, "Host: fuzz"], "answered")
}

/** A Host that is one, or none; or several. Whether Bun or the service refuses it is not told apart. */
export function anyHost(dice: Dice): Kind {
  const odd = dice.text(12).replaceAll(/[\r\n\0]/g, "")
  const hosts = Array.from({ length: dice.oneOf([1, 1, 1, 2]) }, () => dice.oneOf([...HOSTS, odd]))
  const method = dice.oneOf(METHODS)
  const lines = [`${method} ${dice.oneOf(PATHS)} HTTP/1.1`, ...hosts.map((host) => `Host: ${host}`)]
  return bodiless(method, lines, "answered-or-closed")
}

/** HTTP/1.0, with a Host or without. */
export function oldVersion(dice: Dice): Kind {
  const host = dice.oneOf([[], [], ["Host: fuzz"], ["Host:"]])
  if (dice.chance(0.3)) {
    const headers = [...host, JSON_TYPE, `Content-Length: ${VALID.length}`, "", VALID]
    return one(["POST /api/v1/events HTTP/1.0", ...headers].join("\r\n"))
  }
  const method = dice.oneOf(METHODS)
  const path = dice.oneOf([...PATHS, "http://fuzz/health", "//fuzz/health", "/x/../health"])
  const keep = dice.oneOf([[], ["Connection: keep-alive"]])
  return bodiless(method, [`${method} ${path} HTTP/1.0`, ...host, ...keep], "answered")
}

/** What a parser that is not strict would take for a request. */
export function anyHead(dice: Dice): Kind {
  const path = dice.oneOf(PATHS)
  const plain = head("GET", path)
  const text = dice.oneOf<() => string>([
    () => plain.replaceAll("\r\n", "\n"),
    () =>
      plain.replace("HTTP/1.1", dice.oneOf(["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1", ""])),
    () =>
      plain.replace("GET", dice.oneOf(["get", "Get", "GETS", "", "G\u0000T", "PUBLISH", "TRACE", "CONNECT"])),
    () => plain.replace(path, dice.oneOf(["*", "fuzz:80", "health", "http://fuzz", "http://", "?a", "#a"])),
    () => plain.replace(" ", dice.oneOf(["  ", "\t", "\u000b", ""])),
    () =>
      plain.replace(
        "Host: fuzz",
        dice.oneOf(["Host : fuzz", " Host: fuzz", "Host", ": fuzz", "Host:\tfuzz"]),
      ),
    () => plain.replace("\r\n\r\n", `\r\nX-Folded: a\r\n b\r\n\r\n`),
    () => plain.replace("\r\n\r\n", `\r\nX-Long: ${"x".repeat(dice.oneOf([8_000, 17_000, 70_000]))}\r\n\r\n`),
    () =>
      plain.replace(
        "\r\n\r\n",
        `\r\n${Array.from({ length: 250 }, (_, at) => `X-${at}: y`).join("\r\n")}\r\n\r\n`,
      ),
    () => plain.replace("\r\n\r\n", `\r\n${dice.text(40).replaceAll("\n", "")}\r\n\r\n`),
    () => plain.replace(path, `${path}?${"q=".repeat(dice.oneOf([10, 4_000, 9_000]))}`),
    () => `\r\n\r\n${plain}`,
  ])()
  return { parts: [text, null], requests: 1, ending: "answered-or-closed" }
}
