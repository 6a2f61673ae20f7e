import { describe, expect, test } from "bun:test"
import type { Page, Route } from "playwright-core"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService, type KeyName } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()

const DAY_SECONDS = 86_400

/** A module on a queue of its own: `bill` fails with the error of `voice_events`, `hang` runs into its timeout. */
const BILLING = `export default {
  queue: "billing",
  bind: ["events.custom.bill", "events.custom.hang"],
  retry: { attempts: 1 },
  timeout: 100,
  on: {
    bill() { throw new Error("the transcript service answered 503") },
    async hang() { await new Promise(() => {}) },
  },
}`

const GOOD = (queue: string, bind: string) => `export default { queue: "${queue}", ${bind} on: { "*"() {} } }`

/** A service with two dead letters of the same error on two queues, and a timeout on each. */
async function withConsole(
  run: (console: ConsolePage, service: ConsoleService) => Promise<void>,
  key: KeyName = "admin",
): Promise<void> {
  await using service = await ConsoleService.start()
  service.writeModule(BILLING, "billing.ts")
  service.writeModule(
    `export default { queue: "user_events", retry: { attempts: 1 }, timeout: 100, on: { async hang() { await new Promise(() => {}) } } }`,
    "users.ts",
  )
  await service.post("/api/v1/modules/reload")
  await service.publish({ type: "custom", name: "bill", payload: {} })
  await service.publish({ type: "custom", name: "hang", payload: {} })
  await service.publish({ type: "user", name: "hang", payload: {} })
  await waitUntil(async () => (await service.deadLetters("billing")) === 2, "the dead letters of billing")
  await waitUntil(async () => (await service.deadLetters("user_events")) === 1, "that of user_events")
  await using console = await ConsolePage.open(browser(), service, { key })
  await run(console, service)
}

/** Makes the page believe that the service is a day ahead, so that what fails now has failed yesterday. */
const pretendTomorrow = (page: Page) =>
  page.route("**/api/v1/overview*", async (route) => {
    const overview = (await (await route.fetch()).json()) as { readonly at: number }
    await route.fulfill({ json: { ...overview, at: overview.at + DAY_SECONDS } })
  })

const redriveOf = (queue: string): string => `**/api/v1/dead-letters/${queue}/redrive`

const isDryRun = (route: Route): boolean => route.request().postData()?.includes('"dry_run":true') ?? false

/** Lets counts pass, and answers changes of a queue in another way. */
const change = (page: Page, queue: string, answer: (route: Route) => Promise<void>) =>
  page.route(redriveOf(queue), (route) => (isDryRun(route) ? route.continue() : answer(route)))

describe("the dead letters of all queues", () => {
  test("are in groups by reason and error, each with its queues, and the list of queues is below", () =>
    withConsole(async (console) => {
      await console.go("dead-letters")
      await console.page.getByText("4 dead letters in 3 queues").waitFor()
      await console.page.getByText("4 shown, 4 of 4 read").waitFor()
      const groups = console.page.locator(".group")
      expect(await groups.count()).toBe(2)
      const shared = groups.filter({ hasText: "answered 503" })
      for (const queue of ["voice_events", "billing"])
        await shared.getByRole("link", { name: queue }).waitFor()
      const queues = console.page.getByRole("region", { name: "By queue" })
      expect(await queues.getByRole("link").allTextContents()).toEqual([
        "billing",
        "voice_events",
        "user_events",
      ])
      await console.check()
      expect(console.complaints).toEqual([])
    }))

  test("include those of a queue that gets its first one while the screen is open", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters")
      await console.page.getByText("4 shown, 4 of 4 read").waitFor()
      service.writeModule(
        `export default { queue: "system_events", retry: { attempts: 1 }, on: { "*"() { throw new Error("late") } } }`,
        "system.ts",
      )
      await service.post("/api/v1/modules/reload")
      await console.page.locator(".group").filter({ hasText: "Error: late" }).waitFor()
    }))

  test("all timeouts of yesterday, of every queue, are redriven in one go", () =>
    withConsole(async (console, service) => {
      service.writeModule(
        GOOD("billing", `bind: ["events.custom.bill", "events.custom.hang"],`),
        "billing.ts",
      )
      service.writeModule(GOOD("user_events", ""), "users.ts")
      await service.post("/api/v1/modules/reload")
      await pretendTomorrow(console.page)
      await console.page.reload()
      await console.page.getByText("Needs attention").waitFor()
      await console.page
        .getByRole("link", { name: /^Dead letters/ })
        .first()
        .click()
      await console.page.getByLabel("Failed").selectOption("Yesterday")
      await console.page.getByLabel("Reason").selectOption("timeout")
      await console.page.getByText("2 shown, 4 read").waitFor()
      await console.page.getByText(/^Failed last from \S+ 00:00:00 to \S+ 00:00:00$/).waitFor()
      await console.button("Redrive these …").click()
      await console.dialog.getByText("2 dead letters", { exact: true }).waitFor()
      await console.dialog
        .getByText(/in 2 queues, with the reason timeout, that failed from .*, back to/)
        .waitFor()
      await console.check()
      await console.dialog.getByRole("button", { name: "Redrive 2" }).click()
      await console.dialog.getByText("2 of 2 dead letters moved back, 2 of 2 queues done.").waitFor()
      await console.check()
      await console.dialog.getByRole("button", { name: "Close" }).click()
      await console.page.getByText("0 shown, 2 read").waitFor()
      expect(await service.deadLetters("billing")).toBe(1)
      expect(await service.deadLetters("user_events")).toBe(0)
      expect(await service.deadLetters("voice_events")).toBe(1)
    }))

  test("of today are none of yesterday, and the filter stays in the address", () =>
    withConsole(async (console) => {
      await console.go("dead-letters")
      await console.page.getByLabel("Failed").selectOption("Yesterday")
      await console.page.getByText("No dead letter matches.").waitFor()
      expect(await console.button("Redrive these …").isDisabled()).toBe(true)
      await console.page.getByLabel("Failed").selectOption("From … to …")
      await console.page.getByLabel("To", { exact: true }).fill("")
      await console.page.getByText("4 shown, 4 read").waitFor()
      await console.page.getByLabel("Reason").selectOption("timeout")
      await console.page.reload()
      await console.page.getByText("2 shown, 4 read").waitFor()
      expect(await console.page.getByLabel("From", { exact: true }).inputValue()).toMatch(/T00:00$/)
    }))

  test("of one error are purged on every queue, when their number is typed", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters")
      await console.button(/^Purge 2 dead letters: .*503$/).click()
      const confirm = console.dialog.getByRole("button", { name: "Delete 2" })
      await confirm.waitFor()
      expect(await confirm.isDisabled()).toBe(true)
      await console.dialog.getByRole("textbox").fill("delete 2")
      await confirm.click()
      await console.dialog.getByText("2 of 2 dead letters deleted, 2 of 2 queues done.").waitFor()
      expect(await service.deadLetters("billing")).toBe(1)
      expect(await service.deadLetters("voice_events")).toBe(0)
    }))

  test("that failed after the count stay", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters")
      await console.button(/^Purge 2 dead letters: .*503$/).click()
      await console.dialog.getByText("2 dead letters", { exact: true }).waitFor()
      await service.publish({ type: "custom", name: "bill", payload: {} })
      await waitUntil(async () => (await service.deadLetters("billing")) === 3, "one more")
      await console.dialog.getByRole("textbox").fill("delete 2")
      await console.dialog.getByRole("button", { name: "Delete 2" }).click()
      await console.dialog.getByText("2 of 2 dead letters deleted, 2 of 2 queues done.").waitFor()
      expect(await service.deadLetters("billing")).toBe(2)
    }))
})

describe("a queue that fails costs only itself, and is named", () => {
  test("when it is counted", () =>
    withConsole(async (console) => {
      await console.page.route(redriveOf("billing"), (route) => route.fulfill({ status: 503, body: "" }))
      await console.go("dead-letters")
      await console.button("Redrive these …").click()
      await console.dialog.getByText("2 dead letters", { exact: true }).waitFor()
      await console.dialog.getByRole("alert").getByText("billing: The service answered 503").waitFor()
      await console.page.unroute(redriveOf("billing"))
      await console.dialog.getByRole("button", { name: "Count again" }).click()
      await console.dialog.getByText("4 dead letters", { exact: true }).waitFor()
    }))

  test("when it is changed: one that is refused, and one whose answer is lost", () =>
    withConsole(async (console) => {
      await change(console.page, "billing", (route) =>
        route.fulfill({ status: 429, json: { type: "urn:x:busy", detail: "Too busy." } }),
      )
      await change(console.page, "user_events", async (route) => {
        await route.fetch()
        await route.abort("connectionreset")
      })
      await console.go("dead-letters")
      await console.button("Redrive these …").click()
      await console.dialog.getByRole("button", { name: "Redrive 4" }).click()
      await console.dialog.getByText("1 of 4 dead letters moved back, 1 of 3 queues done.").waitFor()
      const rows = console.dialog.getByRole("listitem")
      await rows.filter({ hasText: "billing" }).getByText("Too busy.").waitFor()
      await rows
        .filter({ hasText: "user_events" })
        .getByText("Up to 1 more dead letter may be moved back")
        .waitFor()
    }))

  test("when it is read", () =>
    withConsole(async (console) => {
      await console.page.route("**/api/v1/dead-letters/billing*", (route) =>
        route.fulfill({ status: 503, body: "" }),
      )
      await console.go("dead-letters")
      await console.page.getByText("2 shown, 2 of 4 read").waitFor()
      await console.page.getByRole("alert").getByText("billing: The service answered 503").waitFor()
      await console.page.unroute("**/api/v1/dead-letters/billing*")
      await console.button("Read more").click()
      await console.page.getByText("4 shown, 4 of 4 read").waitFor()
    }))
})

test("of two dead letters of one event, the one that was clicked is shown and deleted", () =>
  withConsole(async (console, service) => {
    const letters = async () =>
      (await service.get("/api/v1/dead-letters/voice_events")) as {
        readonly dead_letters: readonly {
          readonly event: { readonly id: string }
          readonly error: { readonly message: string }
        }[]
      }
    const id = (await letters()).dead_letters[0]?.event.id
    service.writeModule(
      `export default { queue: "voice_events", retry: { attempts: 1 }, on: { "*"() { throw new Error("the second one") } } }`,
    )
    await service.post("/api/v1/modules/reload")
    await service.post("/api/v1/replays", { queue: "voice_events", ids: [id] })
    await waitUntil(async () => (await service.deadLetters("voice_events")) === 2, "the second dead letter")
    await console.go("dead-letters/voice_events?error=second")
    await console.page.locator("summary").first().click()
    await console.page.locator("a[data-row]").first().click()
    await console.page.getByText("Error: the second one").first().waitFor()
    await console.page.getByText("The queue has 2 dead letters of this event").waitFor()
    await console.button("Delete").click()
    await console.dialog.getByRole("button", { name: "Delete" }).click()
    await console.page.getByText("The dead letter is deleted.").waitFor()
    const left = (await letters()).dead_letters.map(({ error }) => error.message)
    expect(left).toEqual(["the transcript service answered 503"])
  }))

test("a bulk change goes on when somebody goes back, and says what was done", () =>
  withConsole(async (console) => {
    const held: Route[] = []
    await change(console.page, "billing", async (route) => void held.push(route))
    await console.go("queues")
    await console.go("dead-letters")
    await console.button("Redrive these …").click()
    await console.dialog.getByRole("button", { name: "Redrive 4" }).click()
    await waitUntil(() => held.length === 1, "the change to begin")
    for (const key of ["Escape", "Escape"]) await console.page.keyboard.press(key)
    await console.page.goBack()
    await console.page.locator("h1", { hasText: "Queues" }).waitFor()
    await console.dialog.getByText("0 of 4 dead letters moved back").waitFor()
    await held[0]?.continue()
    await console.dialog.getByText("4 of 4 dead letters moved back, 3 of 3 queues done.").waitFor()
    await console.dialog.getByRole("button", { name: "Close" }).click()
  }))

test("a key that only reads sees which queues have dead letters, and is told what it may not see", () =>
  withConsole(async (console) => {
    await console.go("dead-letters")
    await console.page.getByText("This key does not show dead letters.").waitFor()
    await console.page
      .getByRole("region", { name: "By queue" })
      .getByRole("link", { name: "billing" })
      .click()
    await console.page.getByRole("heading", { name: "billing", level: 1 }).waitFor()
    expect(console.complaints).toEqual([])
  }, "read"))
