import { describe, expect, test } from "bun:test"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService, type KeyName } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()

/** Runs a test with a service of its own, opened with a key. The browser may not complain. */
async function withConsole(
  run: (console: ConsolePage, service: ConsoleService) => Promise<void>,
  key: KeyName = "admin",
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  await using service = await ConsoleService.start(environment)
  await using console = await ConsolePage.open(browser(), service, { key })
  await run(console, service)
  expect(console.complaints).toEqual([])
}

describe("with a key that may do everything", () => {
  test("a queue is paused and resumed", () =>
    withConsole(async (console, service) => {
      await console.go("queues")
      await console.button("Pause voice_events").click()
      await console.button("Resume voice_events").waitFor()
      expect(await service.queue("voice_events")).toMatchObject({ is_paused: true })
      await console.page.getByText("paused", { exact: true }).waitFor()
      await console.button("Resume voice_events").click()
      await console.button("Pause voice_events").waitFor()
      expect(await service.queue("voice_events")).toMatchObject({ is_paused: false })
    }))

  test("a queue is purged when its name is typed, after a count of its events", () =>
    withConsole(async (console, service) => {
      await console.go("queues")
      await console.button("Purge system_events").click()
      await console.dialog.getByText("1 event", { exact: true }).waitFor()
      const confirm = console.dialog.getByRole("button", { name: "Delete the events" })
      expect(await confirm.isDisabled()).toBe(true)
      await console.dialog.getByRole("textbox").fill("system_events")
      await confirm.click()
      await console.page.getByText("1 event of system_events deleted.").waitFor()
      expect(await service.queue("system_events")).toMatchObject({ waiting: 0 })
    }))

  test("an orphaned queue is deleted with its events", () =>
    withConsole(async (console, service) => {
      await console.go("queues/reports")
      await console.button("Delete reports").click()
      await console.dialog.getByText("1 waiting event").waitFor()
      await console.dialog.getByRole("textbox").fill("reports")
      await console.dialog.getByRole("button", { name: "Delete the queue" }).click()
      await console.page.getByText("There is no queue reports.").waitFor()
      expect(await service.queue("reports")).toBeUndefined()
    }))

  test("an event is published, appears live, and is published again with a change", () =>
    withConsole(async (console, service) => {
      await console.go("events")
      await console.page.getByText("live", { exact: true }).waitFor()
      await service.publish({ type: "user", name: "login", payload: { user_id: "u-7" } })
      await console.page.getByRole("link", { name: "user.login" }).click()
      await console.button("Publish again").click()
      await console.dialog.getByLabel(/^Payload/).fill('{"user_id": 12345678901234567890}')
      await console.dialog.getByRole("button", { name: "Publish" }).click()
      await console.dialog.getByText("/payload/user_id must be a string").waitFor()
      await console.dialog.getByLabel(/^Payload/).fill('{"user_id": "u-8"}')
      await console.dialog.getByRole("button", { name: "Publish" }).click()
      await console.page.getByText(/^Event .* is stored\.$/).waitFor()
      await console.page.getByText('"u-8"').waitFor()
      console.complaints.splice(0, 1) // the answer 422
    }))

  test("the live list holds events while it is paused", () =>
    withConsole(async (console, service) => {
      await console.go("events")
      await console.page.getByText("live", { exact: true }).waitFor()
      await console.page.keyboard.press("p")
      await service.publish({ type: "custom", name: "late", payload: {} })
      await console.page.getByText("1 held until you continue").waitFor()
      expect(await console.page.getByRole("link", { name: "custom.late" }).count()).toBe(0)
      await console.page.keyboard.press("p")
      await console.page.getByRole("link", { name: "custom.late" }).waitFor()
    }))

  test("dead letters are redriven in bulk, after a count", () =>
    withConsole(async (console, service) => {
      service.writeModule(`export default { queue: "voice_events", on: { "*"() {} } }`)
      await console.go("modules")
      await console.button("Reload").click()
      await console.dialog.getByRole("button", { name: "Reload" }).click()
      await console.page.getByText(/^Generation \w+ is in use\.$/).waitFor()
      await console.go("dead-letters/voice_events")
      await console.button("Redrive these …").click()
      await console.dialog.getByText("1 dead letter").waitFor()
      await console.dialog.getByRole("button", { name: "Redrive 1" }).click()
      await console.dialog.getByText("1 of 1 dead letter moved back.").waitFor()
      await console.dialog.getByRole("button", { name: "Close" }).click()
      await console.page.getByText("This queue has no dead letters.").waitFor()
      expect(await service.deadLetters()).toBe(0)
    }))

  test("the dead letters of one error are purged", () =>
    withConsole(async (console, service) => {
      await service.publish({ type: "voice", name: "call.ended", payload: { status: 404 } })
      await waitUntil(async () => (await service.deadLetters()) === 2, "the second dead letter")
      await console.go("dead-letters/voice_events")
      await console.button(/^Purge 1 dead letter: .*404$/).click()
      await console.dialog.getByRole("textbox").fill("voice_events")
      await console.dialog.getByRole("button", { name: "Delete 1" }).click()
      await console.dialog.getByText("1 of 1 dead letter deleted.").waitFor()
      expect(await service.deadLetters()).toBe(1)
    }))

  test("a dead letter is edited and redriven in one step, and its event shows the edit", () =>
    withConsole(async (console, service) => {
      service.writeModule(`export default {
        queue: "voice_events", retry: { attempts: 1 },
        on: { "call.ended"({ payload }) { if (payload.status !== 200) throw new Error("answered " + payload.status) } },
      }`)
      await service.post("/api/v1/modules/reload")
      await console.go("dead-letters/voice_events")
      await console.page.getByText("1 event", { exact: true }).click()
      await console.page.getByRole("link", { name: "voice.call.ended" }).click()
      const id = console.page.url().split("/").at(-1)
      await console.button("Edit and redrive").click()
      const payload = console.dialog.getByLabel(/^Payload/)
      expect(await payload.inputValue()).toContain('"status": 503')
      await payload.fill("no JSON")
      await console.dialog.getByRole("button", { name: "Redrive" }).click()
      await console.dialog.getByText("The payload is not JSON").waitFor()
      await payload.fill('{"status": 200}')
      await console.dialog.getByRole("button", { name: "Redrive" }).click()
      await console.page.getByText("The edited event is back in voice_events.").waitFor()
      expect(await service.deadLetters()).toBe(0)
      await console.go(`events/${id}`)
      await console.page.getByText("redriven, edited").waitFor()
      await console.page.getByText("The edited payload").click()
      await console.page.getByLabel("The edited payload as JSON").getByText('"status": 200').waitFor()
    }))

  test("the editing of a dead letter that somebody else has redriven meanwhile says so, and doubles nothing", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters/voice_events")
      await console.page.getByText("1 event", { exact: true }).click()
      await console.page.getByRole("link", { name: "voice.call.ended" }).click()
      await console.button("Edit and redrive").click()
      await service.post("/api/v1/dead-letters/voice_events/redrive", { all: true })
      await console.dialog.getByRole("button", { name: "Redrive" }).click()
      await console.dialog.getByText("no such event").waitFor()
      await waitUntil(async () => (await service.deadLetters()) === 1, "the event to fail again")
      console.complaints.splice(0, 1) // the answer 404
    }))

  test("the workers are shown with their memory and CPU", () =>
    withConsole(async (console) => {
      await console.go("modules")
      const workers = console.page.getByRole("region", { name: "Workers" })
      await workers.getByText("5 of 5 ready").waitFor()
      expect(await workers.getByRole("row").count()).toBe(6)
      for (const unit of [/ [KM]iB$/, / %$/]) {
        const cells = workers.getByRole("cell").filter({ hasText: unit })
        await cells.nth(4).waitFor()
        expect(await cells.count()).toBe(5)
      }
    }))

  test("past events are replayed into a queue, after a count", () =>
    withConsole(async (console) => {
      await console.go("queues/voice_events")
      await console.button("Replay …").click()
      await console.dialog.getByText("2 events").waitFor()
      await console.dialog.getByLabel(/^Events of the history/).fill("name:call.started")
      await console.dialog.getByRole("button", { name: "Count" }).click()
      await console.dialog.getByRole("button", { name: "Replay 1" }).click()
      await console.dialog.getByText("1 of 1 event replayed: done.").waitFor()
    }))

  test("a failed event is tried again from its own screen", () =>
    withConsole(async (console) => {
      await console.go("events?view=history&q=state:dead")
      await console.page.getByRole("link", { name: "voice.call.ended" }).click()
      await console.button("Retry now on voice_events").click()
      await console.dialog.getByRole("button", { name: "Retry" }).click()
      await console.page.getByText("The event is back in voice_events.").waitFor()
      await console.page.getByText("redriven").waitFor()
    }))

  test("a rejected reload shows the fault with its code, and the old modules stay", () =>
    withConsole(async (console, service) => {
      service.writeModule(`export default {\n  queue: "voice_events",\n  on: {\n`)
      await console.go("modules")
      await console.button("Reload").click()
      await console.dialog.getByRole("button", { name: "Reload" }).click()
      await console.dialog.getByRole("alert").waitFor()
      await console.page.keyboard.press("Escape")
      await console.page.getByText("The last reload was rejected").waitFor()
      await console.page.getByText('queue: "voice_events"').waitFor()
      console.complaints.splice(0, 1) // the answer 422
    }))

  test("a payload is validated by the form of its schema", () =>
    withConsole(async (console) => {
      await console.go("schemas/user/login")
      await console.page.getByLabel("age").fill("41")
      await console.button("Validate").click()
      await console.page.getByText("is required").waitFor()
      await console.page.getByLabel(/^user_id/).fill("u-7")
      await console.button("Validate").click()
      await console.page.getByText("Valid by version 1.").waitFor()
    }))
})

/** Buttons that change something, on the screens that have them. */
const CHANGES = /^(Pause|Resume|Purge|Delete|Redrive|Publish|Edit|Retry|Reload|Validate|Replay)\b/
const PLACES = [
  "",
  "queues",
  "queues/voice_events",
  "queues/reports",
  "dead-letters/voice_events",
  "modules",
  "schemas/user/login",
]

test.each([
  ["a key that only reads", "read", "on"],
  ["a read-only console", "admin", "read-only"],
] as const)("%s offers no action", (_, key, mode) =>
  withConsole(
    async (console, service) => {
      const { events } = (await service.get("/api/v1/events?state=dead")) as {
        readonly events: readonly { readonly id: string }[]
      }
      for (const place of [...PLACES, `events/${events[0]?.id}`]) {
        await console.go(place)
        const buttons = await console.page.locator(".screen button").allTextContents()
        expect([place, buttons.filter((text) => CHANGES.test(text))]).toEqual([place, []])
      }
    },
    key,
    { CONSOLE: mode },
  ),
)

test("CONSOLE=off serves no page", async () => {
  await using service = await ConsoleService.start({ CONSOLE: "off" })
  expect((await fetch(`${service.url}/console`)).status).toBe(404)
  expect(await service.get("/api/v1/me")).toMatchObject({ console: { mode: "off" } })
})

test("a lost connection is told with the age of what is shown, until it is back", () =>
  withConsole(async (console) => {
    const { page } = console
    await page.getByText("Needs attention").waitFor()
    await page.context().setOffline(true)
    await page.getByText("Not connected.").waitFor()
    await page.getByText(/What you see is from \d+ s ago/).waitFor()
    await page.context().setOffline(false)
    await page.getByText("Not connected.").waitFor({ state: "detached" })
    console.complaints.length = 0 // the requests that failed
  }))

test("without a history the console says so, and the rest of it works", () =>
  withConsole(
    async (console) => {
      await console.go("events?view=history")
      await console.page.getByText("The service keeps no history.").waitFor()
      await console.go("queues/voice_events")
      await console.page.getByText("The service keeps no history.").waitFor()
      await console.button("Pause voice_events").click()
      await console.button("Resume voice_events").waitFor()
    },
    "admin",
    { HISTORY: "off" },
  ))
