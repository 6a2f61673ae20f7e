import { describe, expect, test } from "bun:test"
import { EventSource } from "../support/event-source.ts"
import { LineUpload } from "../support/line-upload.ts"
import { problemOf } from "../support/problem-of.ts"
import { REVERSE_PROXIES, ReverseProxy } from "../support/reverse-proxy.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENTS = "api/v1/events"
const QUEUE_MAX_LENGTH = 1_000

/** With a batch of as many events as a queue takes, just below MAX_BATCH_BYTES. */
const LARGE_PAYLOAD = { text: "x".repeat(16_000) }

/** Above MAX_BODY_BYTES. */
const TOO_LARGE_PAYLOAD = { text: "x".repeat(2 * 1_024 * 1_024) }

const NAMES = Object.keys(REVERSE_PROXIES) as (keyof typeof REVERSE_PROXIES)[]

const draft = (name: string, payload: object = {}, type = "custom") => ({ type, name, payload })

const LINE = `${JSON.stringify(draft("line"))}\n`

/** A chunk without content ends it. */
function uploadTo({ url }: ReverseProxy): LineUpload {
  const { port, pathname } = new URL(url)
  return new LineUpload(Number(port), `${pathname}${EVENTS}/batch`, { Host: "127.0.0.1" })
}

function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const all = { "Content-Type": "application/json", ...headers }
  return fetch(url, { method: "POST", headers: all, body: JSON.stringify(body) })
}

/** Runs a check on a service behind a proxy as its example says. */
async function behind(
  name: keyof typeof REVERSE_PROXIES,
  check: (proxy: ReverseProxy) => Promise<void>,
): Promise<void> {
  await using folder = new ServiceFolder()
  const service = await folder.start({ QUEUE_MAX_LENGTH: String(QUEUE_MAX_LENGTH) })
  // Every answer is held to the API document, which is read where the first one came from.
  expect((await service.get("/health/ready")).status).toBe(200)
  await using proxy = await ReverseProxy.start(name, service.url)
  await check(proxy)
}

describe.each(NAMES)("behind %s, set up as the example says", (name) => {
  test("the service's links lead on below the path, to its pages and to all that they load", () =>
    behind(name, async ({ url }) => {
      const withoutSlash = await fetch(url.slice(0, -1))
      expect([withoutSlash.status, withoutSlash.url]).toEqual([200, url])
      const { docs, health } = (await withoutSlash.json()) as {
        readonly docs: string
        readonly health: string
      }
      expect((await fetch(new URL(health, url))).status).toBe(200)
      const page = await fetch(new URL(docs, url))
      expect([page.status, page.url]).toEqual([200, `${url}docs`])
      const loaded = [...(await page.text()).matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(
        ([, link = ""]) => link,
      )
      expect(loaded.length).toBeGreaterThan(1)
      for (const link of [...loaded, "openapi.json"]) {
        const address = new URL(link, page.url).href
        expect([address, (await fetch(address)).status]).toEqual([expect.stringContaining(url), 200])
      }
    }))

  test("live events come one by one, as they are stored", () =>
    behind(name, async ({ url }) => {
      using source = await EventSource.open(`${url}${EVENTS}/stream`)
      for (const each of ["first", "second", "third"]) {
        expect((await post(`${url}${EVENTS}`, draft(each))).status).toBe(201)
        await source.saw(each)
      }
    }))

  test("an event is found by its id, whatever signs it has", () =>
    behind(name, async ({ url }) => {
      for (const id of ["call-106/10", "a//b", "100% of ü?#&=+", "%2F", "a/../b", 'x"y\\z']) {
        const stored = await post(`${url}${EVENTS}`, { ...draft("found"), id })
        expect(stored.status).toBe(201)
        const address = `${url}${EVENTS}/${encodeURIComponent(id)}`
        await waitUntil(async () => (await fetch(address)).ok, `the event ${id}`)
        const { id: shown } = (await (await fetch(address)).json()) as { readonly id: string }
        expect(shown).toBe(id)
      }
    }))

  test("lines of events are stored, and each has its answer", () =>
    behind(name, async (proxy) => {
      using upload = uploadTo(proxy)
      for (let sent = 0; sent < 4; sent++) upload.send(LINE)
      upload.send("")
      expect(await upload.answers(4)).toEqual(Array(4).fill(expect.objectContaining({ status: "pending" })))
    }))

  test("a batch of 16 MB passes, and what the service refuses comes with its problem and its headers", () =>
    behind(name, async ({ url }) => {
      const events = Array.from({ length: QUEUE_MAX_LENGTH }, () => draft("large", LARGE_PAYLOAD))
      expect((await post(`${url}${EVENTS}/batch`, { events })).status).toBe(201)
      await waitUntil(async () => {
        const tooLarge = await post(`${url}${EVENTS}`, draft("too.large", TOO_LARGE_PAYLOAD))
        // The service answers before it has read all. nginx says 502 by itself if it is still sending then.
        if (tooLarge.status === 502) return false
        await problemOf(tooLarge, "payload-too-large", 413)
        return true
      }, "the answer of the service")
      const full = await post(`${url}${EVENTS}`, draft("one.more"), { "X-Request-Id": "mine" })
      expect(full.headers.get("retry-after")).toMatch(/^\d+$/)
      expect(full.headers.get("x-request-id")).toBe("mine")
      await problemOf(full, "queue-full", 503)
    }))
})

test("behind nginx, a line has its answer while the upload goes on", () =>
  behind("nginx", async (proxy) => {
    using upload = uploadTo(proxy)
    for (let sent = 1; sent <= 4; sent++) {
      upload.send(LINE)
      await upload.answers(sent)
    }
  }))
