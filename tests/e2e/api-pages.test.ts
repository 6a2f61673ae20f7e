import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Browser, chromium, type Page } from "playwright-core"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"

/** Debian's; the tests' set-up installs it. */
const CHROMIUM = "/usr/bin/chromium"

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
})
afterAll(() => browser.close())

/** A page of the service, and all that it complains of: scripts that fail, what its policy or the network refuses. */
async function open(service: RunningService, path: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage()
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

describe("the pages of the binary, in a browser", () => {
  test("/docs shows the API; an event that is tried out is published, and its 201 shown", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { page, complaints } = await open(service, "/docs")
    const publish = page.locator(".opblock", { hasText: "Publish an event" })
    await publish.locator(".opblock-summary").click()
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

  test("/redoc shows the API, and finds in it", async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const { page, complaints } = await open(service, "/redoc")
    await page.getByRole("heading", { name: "Publish an event" }).waitFor()
    await page.getByPlaceholder("Search").fill("Events as they")
    await page.locator("[data-role='search:results']", { hasText: "Events as they come" }).waitFor()
    expect(complaints).toEqual([])
  })

  test("a script that does not come from the service is not run, and no page frames these", async () => {
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
