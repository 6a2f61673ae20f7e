import { afterAll, beforeAll, expect, test } from "bun:test"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"

/** JavaScript writes none of its numbers in this way. */
const PAYLOAD = '{ "big": 9007199254740993, "price": 1.0, "twice": 1, "twice": 2 }'

const browser = testBrowser()
let service: ConsoleService
beforeAll(async () => {
  service = await ConsoleService.start()
})
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
})

test("a payload is sent as it was typed, and a number that the service rounds is named", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page, dialog } = console
  await console.button("Publish an event").click()
  await dialog.getByLabel("Name").fill("typed")
  await dialog.getByLabel(/^Payload/).fill(PAYLOAD)
  await dialog.getByText("The service rounds 9007199254740993 to 9007199254740992.").waitFor()
  await console.check()
  const sent = page.waitForRequest((request) => request.method() === "POST")
  await dialog.getByRole("button", { name: "Publish" }).click()
  expect((await sent).postData()).toContain(`"payload":${PAYLOAD}`)
  await page.getByText(/^Event .* is stored\.$/).waitFor()
  expect(console.complaints).toEqual([])
})

test("Esc asks before it drops what was typed in Publish, however often it is pressed", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  const question = page.getByRole("dialog", { name: "Discard what you typed?" })
  await console.button("Publish an event").click()
  await page.getByLabel("Name").waitFor()
  await page.keyboard.press("Escape")
  await console.dialog.waitFor({ state: "detached" })
  await console.button("Publish an event").click()
  await page.getByLabel("Name").fill("typed")
  await page.keyboard.press("Escape")
  await question.waitFor()
  await console.check()
  await page.keyboard.press("Escape")
  await question.waitFor({ state: "detached" })
  // Chromium closes a dialog by itself if a page refuses twice in a row.
  await page.keyboard.press("Escape")
  await question.waitFor()
  await page.keyboard.press("Escape")
  await question.waitFor({ state: "detached" })
  expect(await page.getByLabel("Name").inputValue()).toBe("typed")
  await page.getByRole("button", { name: "Cancel" }).click()
  await page.getByRole("button", { name: "Discard" }).click()
  await console.dialog.waitFor({ state: "detached" })
})

test("a dead letter that is being edited outlives the browser's Back, and Esc asks", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await console.go("dead-letters/voice_events")
  await page.getByText("1 event", { exact: true }).click()
  await page.getByRole("link", { name: "voice.call.ended" }).click()
  await console.button("Edit and redrive").click()
  await page.getByLabel(/^Payload/).fill('{"status":200}')
  await page.goBack()
  await page.locator("h1", { hasText: "voice_events" }).waitFor()
  expect(await page.getByLabel(/^Payload/).inputValue()).toBe('{"status":200}')
  await page.keyboard.press("Escape")
  await page.getByRole("button", { name: "Keep editing" }).click()
  expect(await page.getByLabel(/^Payload/).inputValue()).toBe('{"status":200}')
})

test("a publish whose answer is lost may be repeated, and stores one event", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page, dialog } = console
  await console.button("Publish an event").click()
  await dialog.getByLabel("Name").fill("lost")
  await page.route("**/api/v1/events", async (route) => {
    await route.fetch()
    await route.abort()
  })
  await dialog.getByRole("button", { name: "Publish" }).click()
  await dialog.getByRole("alert").getByText("Perhaps the change was made").waitFor()
  await page.unroute("**/api/v1/events")
  await dialog.getByRole("button", { name: "Publish" }).click()
  await page.getByText(/^Event .* is stored\.$/).waitFor()
  const { events } = (await service.get("/api/v1/events?name=lost")) as {
    readonly events: readonly unknown[]
  }
  expect(events).toHaveLength(1)
})

test("Esc while an event is sent asks nothing, and what becomes of it is said", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page, dialog } = console
  await console.button("Publish an event").click()
  await dialog.getByLabel("Name").fill("slow")
  const answered = Promise.withResolvers<void>()
  await page.route("**/api/v1/events", async (route) => {
    await answered.promise
    await route.continue()
  })
  await dialog.getByRole("button", { name: "Publish" }).click()
  await dialog.getByRole("button", { name: "Publishing …" }).waitFor()
  await page.keyboard.press("Escape")
  await console.dialog.waitFor({ state: "detached" })
  answered.resolve()
  await page.getByText(/^Event .* is stored\.$/).waitFor()
})
