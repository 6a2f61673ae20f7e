import { afterAll, beforeAll, expect, test } from "bun:test"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()
let service: ConsoleService
beforeAll(async () => {
  service = await ConsoleService.start()
  service.writeModule(
    `export default { queue: "user_events", retry: { attempts: 1 }, on: { login() { throw new Error("no user") } } }`,
    "users.ts",
  )
  await service.post("/api/v1/modules/reload")
  await service.publish({ type: "user", name: "login", payload: { user_id: "u-1" } })
  await waitUntil(async () => (await service.deadLetters("user_events")) === 1, "the dead letter of a user")
})
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
})

const idOf = async (type: string): Promise<string> => {
  const { events } = (await service.get(`/api/v1/events?state=dead&type=${type}`)) as {
    readonly events: readonly { readonly id: string }[]
  }
  return events[0]?.id ?? ""
}

test.each([
  ["publish", "has the scope publish. The console needs read"],
  ["changer", "has the scopes publish, admin. The console needs read"],
] as const)("a key with the scopes of %s is told why it sees nothing", async (key, text) => {
  const page = await browser().newPage()
  await page.goto(`${service.url}/console`)
  // The field gets the focus.
  await page.locator("input:focus").waitFor()
  await page.keyboard.type(service.key(key))
  await page.keyboard.press("Enter")
  await page.getByText(text).waitFor()
  await page.close()
})

test("a key that only reads gets no error on any screen, and is told what it may not do", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  const id = await idOf("voice")
  for (const [place, text] of [
    ["", "Needs attention"],
    ["queues", "voice_events"],
    ["queues/voice_events", "call.ended"],
    ["events?view=history", "voice.call.ended"],
    [`events/${id}`, "answered 503"],
    ["dead-letters", "This key does not show dead letters."],
    ["dead-letters/voice_events", "This key does not show dead letters."],
    [`dead-letters/voice_events/${id}`, "This key does not show dead letters."],
    ["modules", "voice.ts"],
    ["schemas/user/login", "This key may not publish such events"],
  ] as const) {
    await console.go(place)
    await console.page.getByText(text).first().waitFor()
    expect([place, await console.page.getByRole("alert").count()]).toEqual([place, 0])
  }
  await console.go(`dead-letters/voice_events/${id}`)
  await console.page.getByRole("link", { name: "The history shows these events" }).click()
  await console.page.getByRole("link", { name: id }).click()
  await console.page.getByText("answered 503").first().waitFor()
  expect(console.complaints).toEqual([])
})

test("a key that is limited to a type is offered what it may do, and told what it does not see", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "voice" })
  const { page } = console
  await page.getByText("only events of voice").waitFor()
  await console.go("queues")
  await console.button("Pause voice_events").waitFor()
  const buttons = await page.locator(".screen button").allTextContents()
  expect(buttons.filter((text) => /^(Pause|Resume|Purge|Delete)/.test(text))).toEqual(["Pause"])
  await console.go("modules")
  expect(await console.button("Reload").count()).toBe(0)
  await console.go("dead-letters/user_events")
  await page.getByText("This queue has no dead letters of this key's types, voice.").waitFor()
  expect(await page.getByText("1 dead letter").count()).toBe(0)
  await console.go("dead-letters")
  await page.getByText("1 shown, 1 read").waitFor()
  await console.go("events?view=history&q=type:user")
  await page.getByText("This key sees only events of voice.").waitFor()
  await console.go("schemas/user/login")
  await page.getByText("This key may not publish such events").waitFor()
  await page.keyboard.press("c")
  await console.dialog.getByLabel("Type").waitFor()
  expect(await console.dialog.getByLabel("Type").getByRole("option").allTextContents()).toEqual(["voice"])
  expect(console.complaints).toEqual([])
})
