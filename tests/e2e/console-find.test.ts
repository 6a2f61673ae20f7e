import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()
let service: ConsoleService
beforeAll(async () => {
  service = await ConsoleService.start()
})
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
})

type Queue = Readonly<Record<string, unknown>>

/** Answers the overview with other queues. */
const pretendQueues = (page: Page, change: (queues: readonly Queue[]) => readonly Queue[]) =>
  page.route("**/api/v1/overview*", async (route) => {
    const overview = (await (await route.fetch()).json()) as { readonly queues: readonly Queue[] }
    await route.fulfill({ json: { ...overview, queues: change(overview.queues) } })
  })

test("an event is found by its id, as a word alone or behind id:", async () => {
  const id = 'call-106/10 "x"'
  await service.publish({ id, type: "system", name: "named", payload: {} })
  await service.publish({ id: "call-107", type: "system", name: "named", payload: {} })
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  const { page } = console
  await console.go("events?view=history")
  await page.getByLabel("Search the history").fill("call-107")
  await page.keyboard.press("Enter")
  await page.getByText("Is this the id of an event?").getByRole("link", { name: "call-107" }).click()
  await page.getByRole("heading", { name: "system.named" }).waitFor()
  await console.go("events?view=history")
  await page.getByLabel("Search the history").fill(String.raw`id:"call-106/10 \"x\""`)
  await page.keyboard.press("Enter")
  await page.getByRole("heading", { name: "system.named" }).waitFor()
  await page.getByText(id, { exact: true }).waitFor()
  expect(console.complaints).toEqual([])
})

test("every event of a group of dead letters can be opened, and the live list is filtered by id", async () => {
  for (let count = 0; count < 12; count++) {
    const payload = { status: "many" }
    await service.publish({ id: `many-${count}`, type: "voice", name: "call.ended", payload })
  }
  await waitUntil(async () => (await service.deadLetters()) >= 13, "the dead letters")
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await console.go("dead-letters?error=many")
  await page.getByText("10 of the events").or(page.getByText("The oldest 10 events")).click()
  await page.getByRole("button", { name: "More events" }).click()
  expect(await page.locator(".letters [data-row]").count()).toBe(12)
  await console.go("events")
  await page.getByText("live", { exact: true }).waitFor()
  await service.publish({ id: "seen-1", type: "system", name: "first", payload: {} })
  await service.publish({ id: "seen-2", type: "system", name: "second", payload: {} })
  await page.getByLabel("Filter by type, name, id or text").fill("seen-2")
  await page.getByRole("link", { name: "system.second" }).waitFor()
  expect(await page.getByRole("link", { name: "system.first" }).count()).toBe(0)
})

test("an ordering key with quotes and spaces leads to its events", async () => {
  const ordering_key = String.raw`a "b" \ c`
  const id = await service.publish({ type: "system", name: "ordered", payload: {}, ordering_key })
  await service.publish({ type: "system", name: "ordered", payload: {}, ordering_key: "other" })
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  await console.go(`events/${id}`)
  await console.page.getByRole("link", { name: ordering_key }).click()
  await console.page.getByText("1 event", { exact: true }).waitFor()
})

test("an event that is open follows what happens to it", async () => {
  const id = await service.publish({ type: "notification", name: "sent", payload: {} })
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  await console.go(`events/${id}`)
  await console.page.locator(".heading").getByText("pending").waitFor()
  service.writeModule(`export default { queue: "notification_events", on: { sent() {} } }`, "notes.ts")
  await service.post("/api/v1/modules/reload")
  await console.page.locator(".heading").getByText("completed").waitFor()
})

test("a queue that is consumed, and whose oldest event waits for minutes, needs attention", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  const { page } = console
  await pretendQueues(page, (queues) =>
    queues.map((queue) =>
      queue["name"] === "voice_events" ? { ...queue, waiting: 39, oldest_waiting_age: 312 } : queue,
    ),
  )
  await page.getByText("39 events wait, the oldest for 5 min, although the queue is consumed").waitFor()
  await console.go("queues?only=behind")
  await page.getByRole("link", { name: "voice_events" }).waitFor()
  expect(await page.locator("[data-row]").count()).toBe(1)
})

test("a thousand orphaned queues are one line of the overview, which leads to them", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await pretendQueues(page, (queues) => {
    const orphan = queues.find(({ name }) => name === "reports") ?? {}
    return [
      ...queues,
      ...Array.from({ length: 999 }, (_, index) => ({ ...orphan, name: `orphan_${index}`, waiting: 2 })),
    ]
  })
  await page.getByRole("link", { name: "1,000 queues" }).waitFor()
  await console.check()
  const lines = page.getByRole("region", { name: "Needs attention" }).getByRole("listitem")
  expect(await lines.count()).toBeLessThan(6)
  await lines.filter({ hasText: "and 997 more: 1,999 waiting events" }).waitFor()
  await page.getByRole("link", { name: "1,000 queues" }).click()
  await page.getByText("1–50 of 1,000 queues").waitFor()
  await console.check()
  await page.getByLabel("Show").selectOption("With dead letters")
  await page.getByRole("link", { name: "voice_events" }).waitFor()
})

test("an error with a long word makes no screen wider than its window", async () => {
  service.writeModule(
    `export default { queue: "user_events", retry: { attempts: 1 }, on: { wide() { throw new TypeError("x".repeat(1_900)) } } }`,
    "wide.ts",
  )
  await service.post("/api/v1/modules/reload")
  const id = await service.publish({ type: "user", name: "wide", payload: {} })
  await using console = await ConsolePage.open(browser(), service, { key: "admin", window: "phone" })
  await console.go(`events/${id}`)
  await console.page.getByText("TypeError").first().waitFor()
  await console.check()
  for (const place of ["dead-letters", "dead-letters/user_events", `dead-letters/user_events/${id}`]) {
    await console.go(place)
    await console.page.getByText("TypeError").first().waitFor()
    await console.check()
  }
})
