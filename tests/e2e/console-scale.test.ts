import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { testBrowser } from "../support/test-browser.ts"

const QUEUES = 1_000
const DEAD_LETTERS = 100_000

/** Longest time that the page may work without drawing, in milliseconds of the CPU. */
const MAX_FRAME_MS = 100

const browser = testBrowser()
let service: ConsoleService
beforeAll(async () => {
  service = await ConsoleService.start()
})
afterAll(async () => {
  await service?.[Symbol.asyncDispose]()
})

interface Overview {
  readonly queues: readonly Readonly<Record<string, unknown>>[]
}

/** Answers the overview with many queues, whose counts change each time. */
async function pretendQueues(page: Page): Promise<void> {
  await page.route("**/api/v1/overview*", async (route) => {
    const overview = (await (await route.fetch()).json()) as Overview
    const [queue] = overview.queues
    const queues = Array.from({ length: QUEUES }, (_, index) => ({
      ...queue,
      name: index === 0 ? "voice_events" : `queue_${index}`,
      waiting: Math.floor(Math.random() * 9_000),
      dead_letters: index === 0 ? DEAD_LETTERS : index % 7,
    }))
    await route.fulfill({ json: { ...overview, queues } })
  })
}

/** Answers the list of every queue with some dead letters. Resolves with a function that returns the most requests at a time. */
async function pretendSomeDeadLetters(page: Page): Promise<() => number> {
  let open = 0
  let most = 0
  await page.route("**/api/v1/dead-letters/**", async (route) => {
    most = Math.max(most, ++open)
    const queue = new URL(route.request().url()).pathname.split("/").at(-1) ?? ""
    const count = queue === "voice_events" ? 500 : Number(queue.split("_").at(-1)) % 7
    const dead_letters = Array.from({ length: count }, (_, index) => ({
      queue,
      event: { id: `${queue}-${index}`, type: "voice", name: "call.ended", payload: {} },
      reason: index % 3 === 0 ? "timeout" : "attempts-exhausted",
      attempts: 3,
      first_failed_at: 1_795_477_614 + index,
      last_failed_at: 1_795_477_621 + index,
      error: { name: "Error", message: `the transcript service answered ${500 + (index % 20)}` },
      module: "voice.ts",
    }))
    await route.fulfill({ json: { count, dead_letters, cursor: null } })
    open--
  })
  return () => most
}

/** Answers a list of dead letters, page by page, as the service does. */
async function pretendDeadLetters(page: Page): Promise<void> {
  await page.route("**/api/v1/dead-letters/voice_events*", async (route) => {
    const { searchParams } = new URL(route.request().url())
    const from = Number(searchParams.get("cursor") ?? 0)
    const to = Math.min(DEAD_LETTERS, from + Number(searchParams.get("limit")))
    const dead_letters = Array.from({ length: to - from }, (_, index) => ({
      queue: "voice_events",
      event: {
        id: `e-${from + index}`,
        type: "voice",
        name: "call.ended",
        payload: { text: "x".repeat(500) },
      },
      reason: index % 3 === 0 ? "timeout" : "attempts-exhausted",
      attempts: 3,
      first_failed_at: 1_795_477_614 + from + index,
      last_failed_at: 1_795_477_621 + from + index,
      error: { name: "Error", message: `the transcript service answered ${500 + (index % 20)}` },
      module: "voice.ts",
    }))
    const cursor = to === DEAD_LETTERS ? null : String(to)
    await route.fulfill({ json: { count: dead_letters.length, dead_letters, cursor } })
  })
}

/** An event of Chromium's trace. Durations are in microseconds. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Time of the CPU that it took: on a busy machine, a task takes longer by the clock, and no longer by this. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Returns the longest task of the page's main thread while something happens, in milliseconds: no frame is drawn meanwhile. */
async function longestTask(page: Page, happens: () => Promise<void>): Promise<number> {
  await browser().startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] })
  await happens()
  const trace = JSON.parse((await browser().stopTracing()).toString()) as {
    readonly traceEvents: readonly TraceEvent[]
  }
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
  const isMain = ({ name, args }: TraceEvent): boolean =>
    name === "thread_name" && args?.name === "CrRendererMain"
  const main = new Set(trace.traceEvents.filter(isMain).map(threadOf))
  const tasks = trace.traceEvents.filter((event) => event.name === "RunTask" && main.has(threadOf(event)))
  expect(tasks.length).toBeGreaterThan(100)
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1_000
}

test(`with ${QUEUES} queues no frame takes over ${MAX_FRAME_MS} ms: the list, its filter, its order and its pages`, async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await pretendQueues(page)
  await console.go("queues")
  await page.getByText("1–50 of 1,000 queues").waitFor()
  const longest = await longestTask(page, async () => {
    await page.getByLabel("Filter by name").pressSequentially("queue_99", { delay: 30 })
    await page.getByRole("link", { name: "queue_999" }).waitFor()
    await page.getByLabel("Filter by name").fill("")
    await page.getByLabel("Sort by").selectOption("waiting")
    await page.getByRole("button", { name: "Next" }).click()
    await page.getByText("51–100 of 1,000 queues").waitFor()
    // Two more answers of the overview.
    for (let count = 0; count < 2; count++) await page.waitForResponse(/overview/)
  })
  expect(longest).toBeLessThan(MAX_FRAME_MS)
})

test(`with ${DEAD_LETTERS} dead letters no frame takes over ${MAX_FRAME_MS} ms: reading, grouping and filtering`, async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await pretendQueues(page)
  await pretendDeadLetters(page)
  await page.goto(`${service.url}/console#/dead-letters/voice_events`)
  await page.getByText("Reading").waitFor()
  const longest = await longestTask(page, async () => {
    for (let read = 20_000; read < DEAD_LETTERS; read += 20_000) {
      await page.getByRole("button", { name: "Read more" }).click({ timeout: 60_000 })
    }
    await page.getByText("100,000 shown, 100,000 of 100,000 read").waitFor({ timeout: 60_000 })
    await page.getByLabel("Reason").selectOption("timeout")
    await page.getByText(/^33,\d+ shown/).waitFor()
    await page.getByLabel("Error contains").pressSequentially("answered 507", { delay: 30 })
    await page.getByText(/^1,\d+ shown/).waitFor()
  })
  expect(longest).toBeLessThan(MAX_FRAME_MS)
}, 120_000)

test(`with dead letters on ${QUEUES} queues no frame takes over ${MAX_FRAME_MS} ms, and few requests run at a time`, async () => {
  await using console = await ConsolePage.open(browser(), service, { key: "admin" })
  const { page } = console
  await pretendQueues(page)
  const most = await pretendSomeDeadLetters(page)
  await console.go("queues")
  await page.getByText("1–50 of 1,000 queues").waitFor()
  const longest = await longestTask(page, async () => {
    await page.goto(`${service.url}/console#/dead-letters`)
    await page.getByText(/^3,497 shown, 3,497 of/).waitFor({ timeout: 60_000 })
    await page.getByLabel("Reason").selectOption("timeout")
    await page.getByText(/^1,452 shown/).waitFor()
    await page.getByLabel("Error contains").pressSequentially("answered 503", { delay: 30 })
    await page.getByText(/ shown, 3,497/).waitFor()
  })
  expect(longest).toBeLessThan(MAX_FRAME_MS)
  expect(most()).toBeGreaterThan(1)
  expect(most()).toBeLessThanOrEqual(4)
}, 120_000)
