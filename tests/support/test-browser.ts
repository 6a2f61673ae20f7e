import { afterAll, beforeAll } from "bun:test"
import { type Browser, chromium } from "playwright-core"

/** From Debian's package, which `npm test` installs. */
const CHROMIUM = "/usr/bin/chromium"

/** Starts a browser before the tests of a file, and closes it after them. Returns a function that returns it. */
export function testBrowser(...args: readonly string[]): () => Browser {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...args] })
  })
  afterAll(() => browser?.close())
  return () => {
    if (browser === undefined) throw new Error("the browser is there only during the tests")
    return browser
  }
}
