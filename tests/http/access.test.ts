import { afterEach, describe, expect, test } from "bun:test"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { type NewKeyOptions, newKey } from "../../src/commands/new-key.ts"
import { KeyRing } from "../../src/http/access/key-ring.ts"
import { SCOPES, type Scope } from "../../src/http/access/scope.ts"
import { EventSource } from "../support/event-source.ts"
import { HttpService } from "../support/http-service.ts"
import { LineUpload } from "../support/line-upload.ts"
import { problemOf } from "../support/problem-of.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

const WATCH_INTERVAL_MS = 5
const EVENT = { type: "voice", name: "speech_recognized", payload: {} }

const disposables: Disposable[] = []
afterEach(() => {
  for (const each of disposables.splice(0)) each[Symbol.dispose]()
})

interface Document {
  readonly paths: Record<
    string,
    Record<string, { readonly security: readonly Record<string, readonly Scope[]>[] }>
  >
}

/** Creates keys of these kinds in a file, and a ring that reads it. */
function keysOf(...kinds: readonly NewKeyOptions[]) {
  const folder = temporaryFolder()
  const file = join(folder.path, "keys")
  const made = kinds.map(newKey)
  writeFileSync(file, made.map(({ line }) => `${line}\n`).join(""))
  const log: string[] = []
  const logger = pino({}, { write: (line) => log.push(line) })
  const ring = new KeyRing(file, logger, WATCH_INTERVAL_MS)
  disposables.push(ring, folder)
  return { file, ring, log, keys: made.map(({ key }) => key) }
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })

const request = (service: HttpService, method: string, path: string, headers: Record<string, string>) =>
  fetch(service.url + path.replaceAll(/\{\w+\}/g, "voice_events"), {
    method: method.toUpperCase(),
    headers: { "Content-Type": "application/json", ...headers },
    ...(method === "post" && { body: JSON.stringify(EVENT) }),
  })

test("every route takes a key with its scope and no other; the probes are open", async () => {
  const { ring, keys } = keysOf(...SCOPES.map((scope) => ({ name: scope, scope: [scope] })))
  await using service = await HttpService.start({ keys: ring, hasHistory: true })
  const { paths } = (await (await service.get("/openapi.json")).json()) as Document
  const open: string[] = []
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(methods)) {
      if (security.length === 0) {
        open.push(path)
        expect((await request(service, method, path, {})).status).not.toBeOneOf([401, 403])
        continue
      }
      const refused = await request(service, method, path, {})
      expect(refused.headers.get("www-authenticate")).toStartWith("Bearer")
      await problemOf(refused, "unauthorized", 401)
      await problemOf(await request(service, method, path, bearer("eb_wrong")), "unauthorized", 401)
      // A route without a scope takes any key.
      const [needed] = security[0]?.["key"] ?? []
      for (const [index, scope] of SCOPES.entries()) {
        const answer = await request(service, method, path, bearer(keys[index] ?? ""))
        if (needed === undefined || scope === needed) expect(answer.status).not.toBeOneOf([401, 403])
        else await problemOf(answer, "forbidden", 403)
      }
    }
  }
  expect(open.toSorted()).toEqual([
    "/",
    "/console",
    "/console/{file}",
    "/docs",
    "/docs/{asset}",
    "/health",
    "/health/live",
    "/health/rabbitmq",
    "/health/ready",
    "/openapi.json",
    "/redoc",
    "/redoc/{asset}",
  ])
})

test("without keys every route is open", async () => {
  await using service = await HttpService.start()
  expect((await service.post("/api/v1/events", EVENT)).status).toBe(201)
  expect((await service.get("/api/v1/dead-letters")).status).toBe(200)
})

describe("a key", () => {
  test("may be sent as X-API-Key", async () => {
    const { ring, keys } = keysOf({ name: "app", scope: ["publish"] })
    await using service = await HttpService.start({ keys: ring })
    const headers = { "X-API-Key": keys[0] ?? "" }
    expect((await service.post("/api/v1/events", EVENT, headers)).status).toBe(201)
  })

  test("limited to some event types publishes no others, also in a batch", async () => {
    const { ring, keys } = keysOf({ name: "voice", scope: ["publish"], type: ["voice"] })
    await using service = await HttpService.start({ keys: ring })
    const headers = bearer(keys[0] ?? "")
    const other = { ...EVENT, type: "user" }
    expect((await service.post("/api/v1/events", EVENT, headers)).status).toBe(201)
    const refused = await problemOf(await service.post("/api/v1/events", other, headers), "forbidden", 403)
    expect(refused.outcome).toBe("not-stored")
    const batch = await service.post("/api/v1/events/batch", { events: [EVENT, other] }, headers)
    expect(batch.status).toBe(207)
    expect(await batch.json()).toMatchObject({ count: 1, events: [{}, { problem: { status: 403 } }] })
  })

  test("is accepted when it is added to the file, and refused when it is removed", async () => {
    const { ring, file, keys } = keysOf({ name: "old", scope: ["read"] })
    await using service = await HttpService.start({ keys: ring })
    const status = async (key: string) =>
      (await fetch(`${service.url}/api/v1/events/stats`, { headers: bearer(key) })).status
    const next = newKey({ name: "new", scope: ["read"] })
    writeFileSync(`${file}.new`, `# rotated\n\n${next.line}\n`)
    renameSync(`${file}.new`, file)
    await waitUntil(async () => (await status(next.key)) === 200, "the new key to be taken")
    expect(await status(keys[0] ?? "")).toBe(401)
  })

  test("that is revoked ends its long responses, and no other key's", async () => {
    const { ring, file, keys } = keysOf(
      { name: "revoked", scope: ["read", "publish"] },
      { name: "kept", scope: ["read"] },
    )
    await using service = await HttpService.start({ keys: ring })
    const [revoked = "", kept = ""] = keys
    using ending = await EventSource.open(`${service.url}/api/v1/events/stream`, bearer(revoked))
    using going = await EventSource.open(`${service.url}/api/v1/events/stream`, bearer(kept))
    using upload = new LineUpload(service.port, "/api/v1/events/batch", bearer(revoked))
    upload.send(`${JSON.stringify(EVENT)}\n`)
    await upload.answers(1)
    using idle = new LineUpload(service.port, "/api/v1/events/batch", bearer(revoked))
    idle.send(`${JSON.stringify(EVENT)}\n`)
    await idle.answers(1)
    const lines = readFileSync(file, "utf8").split("\n")
    writeFileSync(file, `${lines[1]}\n`)
    await waitUntil(() => ending.hasEnded, "the stream to end")
    upload.send(`${JSON.stringify({ ...EVENT, name: "late" })}\n`)
    for (const each of [upload, idle]) {
      expect(await each.answers(2)).toMatchObject([
        { status: "pending" },
        { index: 1, status: "failed", problem: { status: 401, outcome: "not-stored" } },
      ])
    }
    expect(going.hasEnded).toBe(false)
    expect(service.live.clientCount).toBe(1)
  })
})
