import { describe, expect, test } from "bun:test"
import type { Route } from "playwright-core"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()

const LETTERS = "/api/v1/dead-letters/voice_events"

async function withConsole(run: (console: ConsolePage, service: ConsoleService) => Promise<void>) {
  await using service = await ConsoleService.start()
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  await run(console, service)
}

/** Publishes an event that becomes a dead letter. */
async function fail(service: ConsoleService, status: number): Promise<void> {
  const count = await service.deadLetters()
  await service.publish({ type: "voice", name: "call.ended", payload: { status } })
  await waitUntil(async () => (await service.deadLetters()) === count + 1, "the dead letter")
}

describe("a change of dead letters", () => {
  test("spares those that failed after the count, although others of the counted ones are gone", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters/voice_events")
      await console.button("Purge these …").click()
      await console.dialog.getByText("1 dead letter", { exact: true }).waitFor()
      await service.post(`${LETTERS}/purge`, { all: true })
      await fail(service, 500)
      await console.dialog.getByRole("textbox").fill("voice_events")
      await console.dialog.getByRole("button", { name: "Delete 1" }).click()
      await console.dialog.getByText("0 of 1 dead letter deleted.").waitFor()
      await console.dialog.getByText("somebody else has moved or deleted the others").waitFor()
      expect(await service.deadLetters()).toBe(1)
    }))

  test("by its error spares an event that has failed again, with another error", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters/voice_events")
      await console.button(/^Purge 1 dead letter/).click()
      await console.dialog.getByText("1 dead letter", { exact: true }).waitFor()
      await service.post(`${LETTERS}/redrive`, { all: true })
      await waitUntil(async () => (await service.deadLetters()) === 1, "the event to fail again")
      await console.dialog.getByRole("textbox").fill("voice_events")
      await console.dialog.getByRole("button", { name: "Delete 1" }).click()
      await console.dialog.getByText("0 of 1 dead letter deleted.").waitFor()
      expect(await service.deadLetters()).toBe(1)
    }))

  test("whose answer was lost says that it may have been made", () =>
    withConsole(async (console, service) => {
      await console.go("dead-letters/voice_events")
      await console.button("Purge these …").click()
      await console.dialog.getByText("1 dead letter", { exact: true }).waitFor()
      await console.page.route(`**${LETTERS}/purge`, async (route) => {
        await route.fetch()
        await route.abort("connectionreset")
      })
      await console.dialog.getByRole("textbox").fill("voice_events")
      await console.dialog.getByRole("button", { name: "Delete 1" }).click()
      await console.dialog.getByText("Up to 1 more dead letter may be deleted").waitFor()
      expect(await service.deadLetters()).toBe(0)
    }))
})

describe("the deletion of a dead letter", () => {
  const openLetter = async (console: ConsolePage): Promise<void> => {
    await console.go("dead-letters/voice_events")
    await console.page.getByText("1 event", { exact: true }).click()
    await console.page.getByRole("link", { name: "voice.call.ended" }).click()
    await console.button("Delete").click()
  }

  test("spares the event if it has failed again since, and says so", () =>
    withConsole(async (console, service) => {
      await openLetter(console)
      await service.post(`${LETTERS}/redrive`, { all: true })
      await waitUntil(async () => (await service.deadLetters()) === 1, "the event to fail again")
      await console.dialog.getByRole("button", { name: "Delete" }).click()
      await console.dialog.getByText("Nothing was deleted").waitFor()
      expect(await service.deadLetters()).toBe(1)
    }))

  test("and the retry of one deletes and moves only that, if a replay has added another one", () =>
    withConsole(async (console, service) => {
      await service.post("/api/v1/replays", { queue: "voice_events", names: ["call.ended"] })
      await waitUntil(async () => (await service.deadLetters()) === 2, "the dead letter of the replay")
      await console.go("dead-letters/voice_events")
      await console.page.getByText("2 events", { exact: true }).click()
      await console.page.getByRole("link", { name: "voice.call.ended" }).first().click()
      await console.page.getByText("The queue has 2 dead letters of this event").waitFor()
      const id = console.page.url().split("/").at(-1)
      await console.button("Delete").click()
      await console.dialog.getByRole("button", { name: "Delete" }).click()
      await console.page.getByText("The dead letter is deleted.").waitFor()
      expect(await service.deadLetters()).toBe(1)
      await service.post("/api/v1/replays", { queue: "voice_events", names: ["call.ended"] })
      await waitUntil(async () => (await service.deadLetters()) === 2, "the second one again")
      service.writeModule(`export default { queue: "voice_events", on: { "*"() {} } }`)
      await service.post("/api/v1/modules/reload")
      await console.go(`events/${id}`)
      await console.button("Retry now on voice_events").click()
      await console.dialog.getByRole("button", { name: "Retry" }).click()
      await console.page.getByText("The event is back in voice_events.").waitFor()
      expect(await service.deadLetters()).toBe(1)
    }))

  test("that finds nothing does not claim that something was deleted", () =>
    withConsole(async (console, service) => {
      await openLetter(console)
      await service.post(`${LETTERS}/purge`, { all: true })
      await console.dialog.getByRole("button", { name: "Delete" }).click()
      await console.dialog.getByText("Nothing was deleted").waitFor()
    }))
})

test("a queue that was shown as empty is not deleted with what arrived since", () =>
  withConsole(async (console, service) => {
    const purge = { method: "POST", headers: service.bearer("admin") }
    expect((await fetch(`${service.url}/api/v1/queues/reports/purge`, purge)).status).toBe(200)
    await console.go("queues/reports")
    await console.button("Delete reports").click()
    await console.dialog.getByText("0 waiting events").waitFor()
    await console.page.route("**/api/v1/overview*", () => {})
    await service.publish({ type: "custom", name: "report", payload: {} })
    await console.dialog.getByRole("textbox").fill("reports")
    await console.dialog.getByRole("button", { name: "Delete the queue" }).click()
    await console.dialog.getByRole("alert").waitFor()
    expect(await service.queue("reports")).toMatchObject({ waiting: 1 })
  }))

test("what arrives while somebody reads that an orphaned queue is empty is not deleted", () =>
  withConsole(async (console, service) => {
    await service.post("/api/v1/queues/reports/purge")
    await console.go("queues/reports")
    await console.button("Delete reports").click()
    await console.dialog.getByText("0 waiting events").waitFor()
    await service.publish({ type: "custom", name: "report", payload: {} })
    // Two answers of the overview: the page knows of the event.
    for (let count = 0; count < 2; count++) await console.page.waitForResponse(/overview/)
    await console.dialog.getByRole("textbox").fill("reports")
    await console.dialog.getByRole("button", { name: "Delete the queue" }).click()
    await console.dialog.getByRole("alert").waitFor()
    expect(await service.queue("reports")).toMatchObject({ waiting: 1 })
  }))

test("an answer that comes late leads nobody away", () =>
  withConsole(async (console) => {
    const held: Route[] = []
    await console.page.route("**/api/v1/events", (route) => void held.push(route))
    await console.button("Publish an event").click()
    await console.dialog.getByLabel("Name").fill("late")
    await console.dialog.getByRole("button", { name: "Publish" }).click()
    await waitUntil(() => held.length === 1, "the request")
    await console.go("modules")
    await held[0]?.continue()
    await console.page.getByText(/^Event .* is stored\.$/).waitFor()
    await console.dialog.waitFor({ state: "detached" })
    expect(console.page.url()).toEndWith("#/modules")
  }))

test("a bulk change that the service ends with the key says what was done", () =>
  withConsole(async (console) => {
    await console.page.route(`**${LETTERS}/redrive`, (route) =>
      route.request().postData()?.includes('"dry_run":true')
        ? route.continue()
        : route.fulfill({ status: 401, json: { type: "urn:x:unauthorized", detail: "No such key." } }),
    )
    await console.go("dead-letters/voice_events")
    await console.button("Redrive these …").click()
    await console.dialog.getByRole("button", { name: "Redrive 1" }).click()
    await console.page.getByLabel("API key").waitFor()
    await console.page.getByText("Stopped. 0 of 1 dead letter moved back.").waitFor()
  }))

test("the dead events of a queue are listed, and so are replays into it, with a way to stop them", () =>
  withConsole(async (console, service) => {
    await console.go("queues/voice_events")
    await console.button("Dead").click()
    await console.page.getByRole("link", { name: "voice.call.ended" }).waitFor()
    for (let count = 0; count < 60; count++) {
      await service.publish({ type: "voice", name: "call.started", payload: {} })
    }
    await service.post("/api/v1/replays", { queue: "voice_events", names: ["call.started"], rate: 1 })
    const replays = console.page.getByRole("region", { name: "Replays into it" })
    await replays.getByText("running").waitFor()
    await replays.getByRole("button", { name: /^Stop the replay/ }).click()
    await replays.getByText("aborted").waitFor()
  }))

test("a replay delivers what was counted, and no event that came since", () =>
  withConsole(async (console, service) => {
    await console.go("queues/voice_events")
    await console.button("Replay …").click()
    await console.dialog.getByLabel("Events of the history").fill("name:call.started")
    await console.dialog.getByRole("button", { name: "Count" }).click()
    await console.dialog.getByText("1 event", { exact: true }).waitFor()
    await service.publish({ type: "voice", name: "call.started", payload: {} })
    await console.dialog.getByRole("button", { name: "Replay 1" }).click()
    await console.dialog.getByText("1 of 1 event replayed: done.").waitFor()
  }))

test("an answer from before a change does not turn the button back under the mouse", () =>
  withConsole(async (console) => {
    await console.go("queues")
    await console.button("Pause voice_events").waitFor()
    const held: (() => Promise<void>)[] = []
    await console.page.route("**/api/v1/overview*", async (route) => {
      const response = await route.fetch()
      held.push(() => route.fulfill({ response }))
    })
    await waitUntil(() => held.length === 1, "an answer from before the change")
    await console.button("Pause voice_events").click()
    await console.button("Resume voice_events").waitFor()
    // Refused if the page no longer waits for it.
    await held[0]?.().catch(() => undefined)
    await waitUntil(() => held.length === 2, "the next answer")
    expect(await console.button("Resume voice_events").count()).toBe(1)
    await held[1]?.()
    await console.button("Resume voice_events").click()
    await console.button("Pause voice_events").waitFor()
    await console.page.unrouteAll({ behavior: "ignoreErrors" })
  }))

test("a service that hangs is told within seconds, until it answers again", () =>
  withConsole(async (console) => {
    await console.go("queues")
    const held: Route[] = []
    await console.page.route("**/api/v1/overview*", (route) => void held.push(route))
    await console.page.getByText("Not connected.").waitFor()
    await console.page.getByText("The service does not answer.").waitFor()
    await console.page.unroute("**/api/v1/overview*")
    await console.page.getByText("Not connected.").waitFor({ state: "detached" })
  }))

test("a text that no header can hold is refused as a key, and the form stays", () =>
  withConsole(async (console, service) => {
    await console.button("Sign out").click()
    for (const text of ["key–dash", "x".repeat(20_000)]) {
      await console.page.getByLabel("API key").fill(text)
      await console.button("Open the console").click()
      await console.page.getByRole("alert").getByText("This is not a key").waitFor()
    }
    await console.signIn(service.key("admin"))
  }))
