import { describe, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { PrefixProxy } from "../support/prefix-proxy.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

/** A public name that resolves to this machine, as with DNS rebinding. */
const REBOUND = "rebound.example"
const REBINDING = `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`

const browser = testBrowser(REBINDING)

/** Widths and heights of windows, in CSS pixels. */
const WINDOWS = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
}

/** A page of the service, and its errors: failed scripts, and requests that its policy or the network refuses. */
async function open(
  service: { readonly url: string },
  path: string,
  viewport = WINDOWS.desktop,
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser().newPage({ viewport })
  const complaints: string[] = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("request", (request) => {
    const isOwn = /^(data|blob):/.test(request.url()) || request.url().startsWith(service.url)
    if (!isOwn) complaints.push(`asks ${request.url()}`)
  })
  await page.goto(service.url + path)
  return { page, complaints }
}

/** The block of an operation in Swagger UI, opened. */
async function openOperation(page: Page, tag: string, id: string) {
  const block = page.locator(`#operations-${tag}-${id}`)
  await block.locator(".opblock-summary").click()
  await block.locator(".opblock-body").waitFor()
  return block
}

/** Returns true if the page is wider than its window, so that it scrolls sideways. */
const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate("document.documentElement.scrollWidth > innerWidth")

describe("the pages of the binary, in a browser", () => {
  test('/docs shows the API, publishes an event with "Execute" and shows its 201', async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { page, complaints } = await open(service, "/docs")
    const publish = await openOperation(page, "Events", "publishEvent")
    await publish.getByRole("button", { name: "Execute" }).click()
    await publish.locator(".live-responses-table .response-col_status", { hasText: "201" }).waitFor()
    expect(await publish.locator(".live-responses-table").textContent()).toContain(
      '"message": "Event stored"',
    )
    expect(complaints).toEqual([])
    expect((await service.get("/api/v1/events/stats")).body).toContainEqual(
      expect.objectContaining({ queue_name: "voice_events", message_count: 1 }),
    )
  })

  test("/redoc shows the API, and its search finds operations", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { page, complaints } = await open(service, "/redoc")
    await page.getByRole("heading", { name: "Publish an event" }).waitFor()
    await page.getByPlaceholder("Search").fill("Watch events")
    await page
      .locator("[data-role='search:results']", { hasText: "Watch events as they are stored" })
      .waitFor()
    expect(complaints).toEqual([])
  })

  test("/docs does not execute the event stream, whose answer never ends", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { page, complaints } = await open(service, "/docs")
    const types = await openOperation(page, "Events", "listEventTypes")
    expect(await types.getByRole("button", { name: "Execute" }).count()).toBe(1)
    const stream = await openOperation(page, "Events", "streamEvents")
    expect(await stream.getByRole("button", { name: "Execute" }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test.each(Object.entries(WINDOWS))(
    "behind a proxy under /broker/ both pages work, in a window as wide as a %s",
    async (_, viewport) => {
      await using folder = new ServiceFolder()
      const service = await folder.start()
      await using proxy = await PrefixProxy.start(service.url, "/broker/")
      const docs = await open(proxy, "docs", viewport)
      const publish = await openOperation(docs.page, "Events", "publishEvent")
      await publish.getByRole("button", { name: "Execute" }).click()
      await publish.locator(".live-responses-table .response-col_status", { hasText: "201" }).waitFor()
      expect(await publish.locator(".request-url pre").textContent()).toBe(`${proxy.url}api/v1/events`)
      expect(await isTooWide(docs.page)).toBe(false)
      const redoc = await open(proxy, "redoc", viewport)
      await redoc.page.getByRole("heading", { name: "Publish an event" }).waitFor()
      expect(await isTooWide(redoc.page)).toBe(false)
      expect([...docs.complaints, ...redoc.complaints]).toEqual([])
    },
  )

  test("a script from elsewhere does not run, and no page can frame these pages", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    for (const path of ["/docs", "/redoc"]) {
      const policy = (await fetch(service.url + path)).headers.get("content-security-policy") ?? ""
      const directives = Object.fromEntries(policy.split("; ").map((each) => [each.split(" ")[0], each]))
      expect(directives).toMatchObject({
        "default-src": "default-src 'none'",
        "script-src": "script-src 'self'",
        "connect-src": "connect-src 'self'",
        "frame-ancestors": "frame-ancestors 'none'",
      })
      expect(policy).not.toContain("unsafe")
    }
  })
})

describe("web pages in a browser, against a service without keys", () => {
  const PAUSE = "/api/v1/events/queues/custom_events/pause"

  async function serviceWithHandler(folder: ServiceFolder): Promise<RunningService> {
    folder.write("handlers/custom.ts", `export default { queue: "custom_events", on: { "*"() {} } }`)
    return folder.start()
  }

  const isPaused = async (service: RunningService) => {
    const { body } = await service.get("/api/v1/events/stats")
    const queues = body as readonly { readonly queue_name: string; readonly is_paused: boolean }[]
    return queues.find(({ queue_name }) => queue_name === "custom_events")?.is_paused
  }

  test("a page on another port can pause no queue, by script or by form", async () => {
    await using folder = new ServiceFolder()
    const service = await serviceWithHandler(folder)
    const action = service.url + PAUSE
    const html = `<form method="post" action="${action}"></form><script>
      fetch("${action}", { method: "POST", mode: "no-cors" })
        .finally(() => document.forms[0].submit())</script>`
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(html, { headers: { "Content-Type": "text/html" } }),
    })
    const page = await browser().newPage()
    const statuses: number[] = []
    page.on("response", (response) => {
      if (response.url() === action) statuses.push(response.status())
    })
    await page.goto(server.url.href)
    await page.waitForURL(action)
    await waitUntil(() => statuses.length === 2, "both to be answered")
    expect(statuses).toEqual([403, 403])
    expect(await isPaused(service)).toBe(false)
  })

  test("a page whose name resolves to the service (DNS rebinding) reads nothing from it", async () => {
    await using folder = new ServiceFolder()
    const service = await serviceWithHandler(folder)
    const page = await browser().newPage()
    const response = await page.goto(`http://${REBOUND}:${new URL(service.url).port}/api/v1/events/stats`)
    expect(response?.status()).toBe(421)
    expect(await response?.json()).toMatchObject({ type: "urn:event-broker:problem:misdirected-request" })
  })
})
