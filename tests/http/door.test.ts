import { afterAll, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { newKey } from "../../src/commands/new-key.ts"
import { loadConsole } from "../../src/console/console-page.ts"
import { EVENT_TYPES } from "../../src/event/event-type.ts"
import { KeyRing } from "../../src/http/access/key-ring.ts"
import { RateLimit } from "../../src/http/access/rate-limit.ts"
import { SCOPES } from "../../src/http/access/scope.ts"
import type { Answer } from "../support/http-answer.ts"
import { HttpConnection } from "../support/http-connection.ts"
import { HttpService, type HttpServiceOptions } from "../support/http-service.ts"
import { newEvent } from "../support/new-event.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

/** Concurrent connections; each waits for its responses. */
const CONNECTIONS = 16

const SHOWN_FAULTS = 20

interface Route {
  readonly method: string
  readonly path: string
}

/** Values of path parameters with which the plain request of a valid key is answered 2xx. */
const PARAMETERS: Readonly<Record<string, string>> = {
  queue: "voice_events",
  type: "voice",
  name: "heard",
  asset: "start.js",
  file: [...(await loadConsole()).files.keys()][0] ?? "",
  id: "known",
}

const EVENT = { type: "voice", name: "heard", payload: {} } as const
const KNOWN = { ...EVENT, id: "known" }

/** Bodies of routes that need one. */
const BODIES: Readonly<Record<string, unknown>> = {
  "/api/v1/events": EVENT,
  "/api/v1/events/batch": { events: [EVENT] },
  "/api/v1/dead-letters/{queue}/redrive": { all: true },
  "/api/v1/dead-letters/{queue}/redrive-edited": { id: "known", payload: {} },
  "/api/v1/dead-letters/{queue}/purge": { all: true },
  "/api/v1/schemas/{type}/{name}/validate": { payload: {} },
  "/api/v1/replays": { queue: "voice_events", all: true, dry_run: true },
}

/** Queries of DELETE routes that need one. */
const QUERIES: Readonly<Record<string, string>> = {
  "/api/v1/dead-letters/{queue}": "?all=true",
}

/** Statuses of routes that don't answer a valid key with 2xx. */
const OTHERWISE: Readonly<Record<string, number>> = {
  // They remove orphaned queues, and the test names a predefined one.
  "DELETE /api/v1/queues/{queue}": 409,
  "POST /api/v1/queues/{queue}/unbind": 409,
  // There is no dead letter, and no replay.
  "POST /api/v1/dead-letters/{queue}/redrive-edited": 404,
  "GET /api/v1/replays/{id}": 404,
  "DELETE /api/v1/replays/{id}": 404,
  "POST /api/v1/replays/{id}/resume": 404,
}

/** One variation of a route's request. */
interface Variant {
  readonly name: string
  readonly method: string
  readonly path: string
  /** `same`: equals the plain request, written differently. `other`: does not, and leads nowhere. */
  readonly means: "same" | "other"
}

const hexOf = (character: string): string => character.charCodeAt(0).toString(16)

/** Returns the path with each letter percent-encoded, and with all of them. */
function encodedPaths(path: string): readonly string[] {
  const letters = [...path].flatMap((character, at) => (/[a-z]/i.test(character) ? [at] : []))
  const encodedAt = (at: number, prefix: string, hex: (text: string) => string): string =>
    path.slice(0, at) + prefix + hex(hexOf(path.charAt(at))) + path.slice(at + 1)
  const all = path.replaceAll(/[\w.-]/g, (character) => `%${hexOf(character)}`)
  return [
    ...new Set([
      ...letters.map((at) => encodedAt(at, "%", (hex) => hex.toUpperCase())),
      ...letters.map((at) => encodedAt(at, "%", (hex) => hex)),
      all,
    ]),
  ]
}

const doublyEncodedPaths = (path: string): readonly string[] =>
  [...path].flatMap((character, at) =>
    /[a-z]/i.test(character) ? [`${path.slice(0, at)}%25${hexOf(character)}${path.slice(at + 1)}`] : [],
  )

function variantsOf(method: string, path: string): readonly Variant[] {
  const same = [
    ...encodedPaths(path),
    `/.${path}`,
    `/x/..${path}`,
    `/%2e${path}`,
    `/x/%2E%2e${path}`,
    path.replaceAll(/\/(?!$)/g, "\\").replace("\\", "/"),
    `/x\\..${path}`,
  ]
  const other = [
    ...doublyEncodedPaths(path),
    `/${path}`,
    path.replaceAll("/", "//"),
    `${path}/`,
    `${path};a=b`,
    path.replace(/\/(?=[^/]*$)/, ";a=b/"),
    `${path}%2f`,
    `${path}%00`,
    `${path}%20`,
    `${path}%`,
    `${path}%zz`,
    `${path}%ff`,
    path.replaceAll(/\/(?!$)/g, "%2F").replace(/^%2F/, "/"),
    path.toUpperCase(),
  ].filter((each) => each !== path)
  return [
    ...same.map((each) => ({ name: each, method, path: each, means: "same" as const })),
    ...other.map((each) => ({ name: each, method, path: each, means: "other" as const })),
    { name: "lower-case method", method: method.toLowerCase(), path, means: "other" },
  ]
}

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

/** Starts a service with keys of every kind, with callers that use each key, no key, and a wrong one. */
async function serviceWithKeys(options: HttpServiceOptions = {}) {
  const kinds = [
    ...SCOPES.map((scope) => ({ name: scope, scope: [scope] })),
    ...EVENT_TYPES.map((type) => ({ name: `only ${type}`, scope: [...SCOPES], type: [type] })),
    { name: "everything", scope: [...SCOPES] },
  ]
  const made = kinds.map((kind) => ({ name: kind.name, ...newKey(kind) }))
  const file = join(folder.path, "keys")
  writeFileSync(file, made.map(({ line }) => `${line}\n`).join(""))
  const keys = new KeyRing(file, pino({ level: "silent" }))
  const schemas = [{ path: "voice/heard.json", schema: {} }]
  const service = await HttpService.start({ ...options, keys, schemas, hasHistory: true })
  await service.engine.publish(newEvent(KNOWN))
  const callers = [
    { name: "nobody", header: "" },
    { name: "a wrong key", header: "X-API-Key: eb_wrong\r\n" },
    ...made.map(({ name, key }) => ({ name, header: `X-API-Key: ${key}\r\n` })),
  ]
  return {
    service,
    callers,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      keys[Symbol.dispose]()
    },
  }
}

async function routesOf(service: HttpService): Promise<readonly Route[]> {
  const document = (await (await service.get("/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  )
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** Allowed statuses of a request that is not admitted. */
const REFUSALS = [400, 401, 403, 404, 405]

/** Returns what is wrong with the response to a variant; null if nothing is. */
function faultOf(variant: Variant, answer: Answer | null, plain: Answer): string | null {
  // Bun closes the connection for an unknown method.
  if (answer === null) return variant.means === "same" ? "has no response" : null
  if (variant.means === "same") return answer.status === plain.status ? null : `is answered ${answer.status}`
  return REFUSALS.includes(answer.status) ? null : `is answered ${answer.status}`
}

test(
  "no spelling of a path, and no method, is answered differently from the plain request",
  async () => {
    await using started = await serviceWithKeys()
    const { service, callers } = started
    const faults: string[] = []
    const walks = (await routesOf(service)).flatMap((route) => callers.map((caller) => ({ route, caller })))
    let count = 0

    const walk = async (connection: HttpConnection, { route, caller }: (typeof walks)[number]) => {
      const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PARAMETERS[name] ?? name)
      const query = route.method === "DELETE" ? (QUERIES[route.path] ?? "") : ""
      const body = route.method === "POST" ? JSON.stringify(BODIES[route.path] ?? {}) : ""
      const entity = body && `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
      const ask = (method: string, target: string) => {
        count++
        return connection.ask(
          `${method} ${target}${query} HTTP/1.1\r\nHost: x\r\n${caller.header}${entity}\r\n${body}`,
        )
      }
      const tell = (what: string) => faults.push(`${route.method} ${route.path} of ${caller.name}: ${what}`)
      const plain = await ask(route.method, path)
      if (plain === null) return void tell("the plain request has no response")
      const expected = OTHERWISE[`${route.method} ${route.path}`]
      const isGood = expected === undefined ? isSuccess(plain.status) : plain.status === expected
      if (caller.name === "everything" && !isGood) tell(`is answered ${plain.status}`)
      for (const variant of variantsOf(route.method, path)) {
        const fault = faultOf(variant, await ask(variant.method, variant.path), plain)
        if (fault !== null) tell(`${variant.name} ${fault}, the plain request ${plain.status}`)
      }
      const got = await ask("GET", path)
      const head = await ask("HEAD", path)
      if (head?.status !== got?.status) tell(`HEAD is answered ${head?.status}, GET ${got?.status}`)
      const options = await ask("OPTIONS", path)
      if (options?.status !== 204 || !options.headers.get("allow")?.includes(route.method)) {
        tell(`OPTIONS is answered ${options?.status}, with Allow: ${options?.headers.get("allow")}`)
      }
    }

    const waiting = walks.values()
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        using connection = new HttpConnection(service.port)
        for (const each of waiting) await walk(connection, each)
      }),
    )
    expect(faults.slice(0, SHOWN_FAULTS)).toEqual([])
    expect(walks.length).toBeGreaterThan(200)
    expect(count).toBeGreaterThan(walks.length * 30)
    await waitUntil(() => service.live.clientCount === 0, "all live clients to be gone")
  },
  TIMEOUT_MS,
)

test("a path with encoded letters equals the plain path: it takes a key, and counts for its rate", async () => {
  await using started = await serviceWithKeys({ rates: new RateLimit(2, () => 0) })
  const { service, callers } = started
  using connection = new HttpConnection(service.port)
  const statusOf = async (path: string, name: string) => {
    const header = callers.find((caller) => caller.name === name)?.header ?? ""
    const answer = await connection.ask(`GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`)
    return [answer?.status, answer?.headers.get("ratelimit")]
  }
  expect(await statusOf("/api/v1/events/stat%73", "nobody")).toEqual([401, undefined])
  expect(await statusOf("/api/v1/events/stats", "read")).toEqual([200, '"key";r=1;t=1'])
  expect(await statusOf("/api/v1/events/stat%73", "read")).toEqual([200, '"key";r=0;t=1'])
  expect(await statusOf("/api/v1/event%73/stats", "read")).toEqual([429, '"key";r=0;t=1'])
})
