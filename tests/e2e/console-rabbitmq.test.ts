import { expect, test } from "bun:test"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService, type KeyName } from "../support/console-service.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const browser = testBrowser()

onEveryBroker((node) => {
  type Run = (
    console: ConsolePage,
    service: ConsoleService,
    broker: Readonly<Record<string, string>>,
  ) => Promise<void>

  async function withConsole(run: Run, key: KeyName = "admin") {
    await using host = await VirtualHost.create(node())
    const broker = {
      RABBITMQ_HOST: "127.0.0.1",
      RABBITMQ_PORT: String(node().port),
      RABBITMQ_VHOST: host.name,
    }
    await using service = await ConsoleService.start(broker)
    await using console = await ConsolePage.open(browser(), service, { key })
    await run(console, service, broker)
    expect(console.complaints).toEqual([])
  }

  test(
    "every screen shows its data",
    () =>
      withConsole(async (console) => {
        for (const [place, text] of [
          ["", "Needs attention"],
          ["queues", "voice_events"],
          ["queues/reports", "orphaned"],
          ["events?view=history", "voice.call.ended"],
          ["dead-letters/voice_events", "the transcript service answered 503"],
          ["modules", "voice.ts"],
        ] as const) {
          await console.go(place)
          await console.page.getByText(text).first().waitFor()
        }
        await console.go("events?view=history&q=state:dead")
        await console.page.getByRole("link", { name: "voice.call.ended" }).click()
        await console.page.getByText('asked the transcript service {"tries":1}').waitFor()
        await console.page.getByText("rabbitmq").first().waitFor()
      }),
    120_000,
  )

  test(
    "the overview counts the instances, also when one of them is killed",
    () =>
      withConsole(async (console, _, broker) => {
        await console.page.getByText("1 connected to RabbitMQ").waitFor()
        await using folder = new ServiceFolder()
        const other = await folder.start(broker)
        await console.page.getByText("2 connected to RabbitMQ").waitFor()
        await other.kill()
        await console.page.getByText("1 connected to RabbitMQ").waitFor()
      }),
    120_000,
  )

  test(
    "a key that only reads sees the instances, the log of an attempt and the workers, and may change nothing",
    () =>
      withConsole(async (console) => {
        await console.page.getByText("1 connected to RabbitMQ").waitFor()
        await console.go("events?view=history&q=state:dead")
        await console.page.getByRole("link", { name: "voice.call.ended" }).click()
        await console.page.getByText('asked the transcript service {"tries":1}').waitFor()
        expect(await console.page.locator(".screen button").allTextContents()).toEqual([
          "Refresh",
          "Copy as curl",
        ])
        await console.go("modules")
        await console.page.getByText("5 of 5 ready").waitFor()
        expect(await console.page.locator(".screen button").count()).toBe(0)
      }, "read"),
    120_000,
  )

  test(
    "a dead letter is edited and redriven, and the workers are shown",
    () =>
      withConsole(async (console, service) => {
        const letter = async () =>
          (await service.get("/api/v1/dead-letters/voice_events")) as {
            readonly dead_letters: readonly { readonly event: { readonly id: string } }[]
          }
        const id = (await letter()).dead_letters[0]?.event.id
        await console.go(`dead-letters/voice_events/${id}`)
        await console.button("Edit and redrive").click()
        await console.dialog.getByLabel(/^Payload/).fill('{"status": 504}')
        await console.dialog.getByRole("button", { name: "Redrive" }).click()
        await console.page.getByText("The edited event is back in voice_events.").waitFor()
        await waitUntil(
          async () => JSON.stringify(await letter()).includes("service answered 504"),
          "the edited event to fail, too",
        )
        await console.go(`events/${id}`)
        await console.page.getByText("redriven, edited").waitFor()
        await console.go("modules")
        await console.page.getByText("5 of 5 ready").waitFor()
      }),
    120_000,
  )

  test(
    "the dead letters of two queues are purged in one go, and one of an event alone",
    () =>
      withConsole(async (console, service) => {
        service.writeModule(
          `export default { queue: "user_events", retry: { attempts: 1 }, on: { login() { throw new Error("no user") } } }`,
          "users.ts",
        )
        await service.post("/api/v1/modules/reload")
        for (const user_id of ["u-1", "u-2"]) {
          await service.publish({ type: "user", name: "login", payload: { user_id } })
        }
        await waitUntil(async () => (await service.deadLetters("user_events")) === 2, "the dead letters")
        await console.go("dead-letters/user_events?period=today")
        await console.page.getByText("2 events", { exact: true }).click()
        await console.page.getByRole("link", { name: "user.login" }).first().click()
        await console.button("Delete").click()
        await console.dialog.getByRole("button", { name: "Delete" }).click()
        await console.page.getByText("The dead letter is deleted.").waitFor()
        await waitUntil(async () => (await service.deadLetters("user_events")) === 1, "one dead letter")
        await console.go("dead-letters?period=today")
        await console.page.getByText("2 shown, 2 read").waitFor()
        await console.button("Purge these …").click()
        await console.dialog.getByText("2 dead letters", { exact: true }).waitFor()
        await console.dialog.getByRole("textbox").fill("delete 2")
        await console.dialog.getByRole("button", { name: "Delete 2" }).click()
        await console.dialog.getByText("2 of 2 dead letters deleted, 2 of 2 queues done.").waitFor()
      }),
    120_000,
  )

  test(
    "a queue is paused, purged and deleted",
    () =>
      withConsole(async (console, service) => {
        await console.go("queues")
        await console.button("Pause voice_events").click()
        await console.button("Resume voice_events").click()
        await console.button("Pause voice_events").waitFor()
        await console.button("Purge system_events").click()
        await console.dialog.getByText("1 event", { exact: true }).waitFor()
        await console.dialog.getByRole("textbox").fill("system_events")
        await console.dialog.getByRole("button", { name: "Delete the events" }).click()
        await console.page.getByText("1 event of system_events deleted.").waitFor()
        await console.button("Delete reports").click()
        await console.dialog.getByRole("textbox").fill("reports")
        await console.dialog.getByRole("button", { name: "Delete the queue" }).click()
        await waitUntil(async () => (await service.queue("reports")) === undefined, "the queue to be deleted")
      }),
    120_000,
  )

  test(
    "an event appears live, and a dead letter is redriven",
    () =>
      withConsole(async (console, service) => {
        await console.go("events")
        await console.page.getByText("live", { exact: true }).waitFor()
        await service.publish({ type: "custom", name: "seen", payload: {} })
        await console.page.getByRole("link", { name: "custom.seen" }).waitFor()
        await console.go("dead-letters/voice_events")
        await console.button("Redrive these …").click()
        await console.dialog.getByRole("button", { name: "Redrive 1" }).click()
        await console.dialog.getByText("1 of 1 dead letter moved back.").waitFor()
      }),
    120_000,
  )
})
