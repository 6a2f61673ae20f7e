import { expect } from "bun:test"
import axe from "axe-core"
import type { Browser, Page } from "playwright-core"
import type { ConsoleService, KeyName } from "./console-service.ts"

/** Widths and heights of windows, in CSS pixels. */
export const WINDOWS = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const

export interface OpenOptions {
  /** Name of the key to sign in with; null for a service without keys. */
  readonly key: KeyName | null
  readonly window?: keyof typeof WINDOWS
  readonly scheme?: "light" | "dark"
  /** Address of the service, without a final slash. Default: its own. */
  readonly url?: string
}

/** The console in a browser. Everything that the browser complains about is collected: errors and breaches of the policy. */
export class ConsolePage {
  readonly page: Page
  readonly complaints: string[] = []
  readonly #url: string

  private constructor(page: Page, url: string) {
    this.page = page
    this.#url = url
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text())
    })
    page.on("pageerror", (error) => this.complaints.push(String(error)))
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
        this.complaints.push(`asks ${request.url()}`)
      }
    })
  }

  /** Opens the console, and signs in. */
  static async open(browser: Browser, service: ConsoleService, options: OpenOptions): Promise<ConsolePage> {
    const { key, window = "desktop", scheme = "light", url = service.url } = options
    const context = await browser.newContext({ viewport: WINDOWS[window], colorScheme: scheme })
    const opened = new ConsolePage(await context.newPage(), url)
    await opened.page.goto(`${url}/console`)
    if (key !== null) await opened.signIn(service.key(key))
    await opened.page.getByRole("heading", { level: 1 }).first().waitFor()
    return opened
  }

  async signIn(key: string): Promise<void> {
    const { page } = this
    await page.getByLabel("API key").fill(key)
    await page.getByRole("button", { name: "Open the console" }).click()
    await page.getByRole("heading", { name: "Overview" }).waitFor()
    // The browser tells of the answer that asked for the key.
    for (const [index, complaint] of this.complaints.entries()) {
      if (complaint.includes("401")) this.complaints.splice(index, 1)
    }
  }

  /** Goes to a screen by its address, and waits until it has loaded. */
  async go(place: string): Promise<void> {
    const { page } = this
    await page.goto(`${this.#url}/console#/${place}`)
    await page.locator(".screen h1").first().waitFor()
    await page.locator(".loading").waitFor({ state: "detached" })
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name, exact: typeof name === "string" })
  }

  /** The open dialog. */
  get dialog() {
    return this.page.getByRole("dialog")
  }

  /** Fails if the page is wider than its window, or axe finds a fault. */
  async check(): Promise<void> {
    expect(await this.page.evaluate("document.documentElement.scrollWidth > innerWidth")).toBe(false)
    // Not as an element of the page, which the policy would refuse.
    await this.page.evaluate(axe.source)
    const faults = (await this.page.evaluate("axe.run()")) as axe.AxeResults
    const found = faults.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`,
    )
    expect(found).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A route that waits for the service would fail the test when the page is gone.
    await this.page.unrouteAll({ behavior: "ignoreErrors" })
    await this.page.context().close()
  }
}
