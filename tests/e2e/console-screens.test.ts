import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { PrefixProxy } from "../support/prefix-proxy.ts"
import { testBrowser } from "../support/test-browser.ts"

/** JavaScript rounds it. */
const BIG_NUMBER = "9007199254740993"

const browser = testBrowser()
let service: ConsoleService
beforeAll(async () => {
  service = await ConsoleService.start()
})
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
})

/** Places of the screens, each with a text that shows that its data has come. */
async function screens(): Promise<readonly (readonly [place: string, text: string])[]> {
  const { events } = (await service.get("/api/v1/events?state=dead")) as {
    readonly events: readonly { readonly id: string }[]
  }
  const id = events[0]?.id ?? ""
  return [
    ["", "1, as always on this engine"],
    ["", "Needs attention"],
    ["queues", "voice_events"],
    ["queues/voice_events", "call.ended"],
    ["queues/reports", "orphaned"],
    ["queues/nothing", "There is no queue nothing"],
    ["events", "Events appear here"],
    ["events?view=history", "voice.call.ended"],
    [`events/${id}`, "the transcript service answered 503"],
    ["events/nothing", "The history has no event"],
    ["dead-letters", "voice_events"],
    ["dead-letters/voice_events", "the transcript service answered 503"],
    [`dead-letters/voice_events/${id}`, "the transcript service answered 503"],
    ["modules", "voice.ts"],
    ["schemas", "user.login"],
    ["schemas/user/login", "user_id"],
    ["nowhere", "There is no such screen"],
  ]
}

describe.each(["light", "dark"] as const)("in %s colors", (scheme) => {
  test.each(["desktop", "phone"] as const)(
    "every screen shows its data, fits a window as wide as a %s, and axe finds nothing",
    async (window) => {
      await using console = await ConsolePage.open(browser(), service, { key: "admin", window, scheme })
      for (const [place, text] of await screens()) {
        await console.go(place)
        await console.page.getByText(text).first().waitFor()
        await console.check()
      }
      // The browser tells of an answer 404, which one of the screens shows.
      expect(console.complaints.filter((complaint) => !complaint.includes("404"))).toEqual([])
    },
  )

  test("the question for the key, the keys and the dialogs have no fault either", async () => {
    const page = await browser().newPage({ colorScheme: scheme })
    await page.goto(`${service.url}/console`)
    await page.getByLabel("API key").waitFor()
    await page.close()
    await using console = await ConsolePage.open(browser(), service, { key: "admin", scheme })
    await console.page.keyboard.press("?")
    await console.dialog.getByText("Show these keys").waitFor()
    await console.check()
    await console.page.keyboard.press("Escape")
    await console.button("Publish an event").click()
    await console.dialog.getByLabel("Name").waitFor()
    await console.check()
    await console.page.keyboard.press("Escape")
    await console.go("dead-letters/voice_events")
    await console.button("Purge these …").click()
    await console.dialog.getByText("1 dead letter").waitFor()
    await console.check()
    expect(console.complaints).toEqual([])
  })
})

test("a wrong key is refused, and a key without the scope read is told so", async () => {
  const page = await browser().newPage()
  await page.goto(`${service.url}/console`)
  await page.getByLabel("API key").fill("wrong")
  await page.getByRole("button", { name: "Open the console" }).click()
  await page.getByText("The service does not know this key.").waitFor()
  await page.getByLabel("API key").fill(service.key("publish"))
  await page.getByRole("button", { name: "Open the console" }).click()
  await page.getByText("The console needs read").waitFor()
  await page.close()
})

test("the key stays in the tab: a reload keeps it, and another tab asks for it", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  await console.page.reload()
  await console.page.getByRole("heading", { name: "Overview" }).waitFor()
  expect(console.page.url()).not.toContain(service.key("read"))
  const other = await console.page.context().newPage()
  await other.goto(`${service.url}/console`)
  await other.getByLabel("API key").waitFor()
  await other.close()
})

test("keys of the keyboard lead to the screens, and to the search", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  for (const [key, heading] of [
    ["q", "Queues"],
    ["e", "Events"],
    ["d", "Dead letters"],
    ["m", "Modules"],
    ["s", "Schemas"],
    ["o", "Overview"],
  ] as const) {
    await page.keyboard.press("g")
    await page.keyboard.press(key)
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor()
  }
  await page.keyboard.press("g")
  await page.keyboard.press("q")
  await page.getByLabel("Filter by name").waitFor()
  await page.keyboard.press("/")
  await page.keyboard.type("repor")
  await page.keyboard.press("Escape")
  await page.keyboard.press("j")
  await page.keyboard.press("Enter")
  await page.getByRole("heading", { name: "reports", level: 1 }).waitFor()
  expect(console.complaints).toEqual([])
})

test("a number that JavaScript rounds is shown with its digits", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  // Over HTTP the service takes JavaScript numbers; on RabbitMQ another program can publish any.
  await console.page.route("**/api/v1/dead-letters/voice_events*", async (route) => {
    const answer = await (await route.fetch()).text()
    await route.fulfill({ body: answer.replaceAll('"status":503', `"status":${BIG_NUMBER}`) })
  })
  const { dead_letters } = (await service.get("/api/v1/dead-letters/voice_events")) as {
    readonly dead_letters: readonly { readonly event: { readonly id: string } }[]
  }
  await console.go(`dead-letters/voice_events/${dead_letters[0]?.event.id}`)
  await console.page.getByText(BIG_NUMBER).waitFor()
})

test("an attempt shows what its handler wrote to the log", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  await console.go("events?view=history&q=state:dead")
  await console.page.getByRole("link", { name: "voice.call.ended" }).click()
  await console.page.getByText("Log: 2 lines").waitFor()
  const lines = console.page.getByRole("list", { name: "Log of attempt 1 on voice_events" })
  expect(await lines.getByRole("listitem").allInnerTexts()).toEqual([
    expect.stringMatching(/info\s+call c-1$/),
    expect.stringMatching(/warn\s+asked the transcript service \{"tries":1\}$/),
  ])
})

test("a search is in the address, and a word that it does not know is named", async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "read" })
  const { page } = console
  await console.go("events?view=history")
  await page.getByLabel("Search the history").fill("state:dead queue:voice_events")
  await page.keyboard.press("Enter")
  await page.getByRole("link", { name: "voice.call.ended" }).waitFor()
  expect(await page.getByRole("link", { name: "voice.call.started" }).count()).toBe(0)
  await page.reload()
  await page.getByRole("link", { name: "voice.call.ended" }).waitFor()
  await page.getByLabel("Search the history").fill("colour:red")
  await page.keyboard.press("Enter")
  await page.getByText("A search has no colour:").waitFor()
})

test("behind a proxy under a path the console works", async () => {
  await using proxy = await PrefixProxy.start(service.url, "/broker/")
  const url = proxy.url.replace(/\/$/, "")
  await using console = await ConsolePage.open(browser(), service, { key: "admin", url })
  await console.go("queues")
  await console.page.getByRole("link", { name: "voice_events" }).waitFor()
  await console.go("events")
  await console.page.getByText("live", { exact: true }).waitFor()
  expect(console.complaints).toEqual([])
})

describe("the files of the console", () => {
  const page = async () => fetch(`${service.url}/console`)

  test("need no key, and nothing inline or from elsewhere is allowed", async () => {
    const response = await page()
    expect(response.status).toBe(200)
    expect(response.headers.get("cache-control")).toBe("no-store")
    const policy = response.headers.get("content-security-policy") ?? ""
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    expect(policy).not.toContain("unsafe")
  })

  test("are cached for ever under names with a hash, and compressed below 100 kB in all", async () => {
    const html = await (await page()).text()
    const names = [...html.matchAll(/(?:src|href)="(console\/[^"]+)"/g)].map(([, name = ""]) => name)
    expect(names.length).toBe(2)
    let bytes = 0
    for (const name of names) {
      expect(name).toMatch(/console-\w{8}\.(js|css)$/)
      const response = await fetch(`${service.url}/${name}`, {
        decompress: false,
        headers: { "Accept-Encoding": "gzip" },
      })
      expect(response.headers.get("cache-control")).toContain("immutable")
      expect(response.headers.get("content-encoding")).toBe("gzip")
      bytes += (await response.bytes()).length
    }
    expect(bytes).toBeLessThan(100_000)
  })

  test("that do not exist are 404", async () => {
    expect((await fetch(`${service.url}/console/other.js`)).status).toBe(404)
  })
})
