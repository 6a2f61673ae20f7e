import { expect, test } from "bun:test"
import { join } from "node:path"
import { ConsolePage } from "../support/console-page.ts"
import { ConsoleService } from "../support/console-service.ts"
import { freePorts } from "../support/free-ports.ts"
import { testBrowser } from "../support/test-browser.ts"
import { waitUntil } from "../support/wait-until.ts"

const SCRIPT = join(import.meta.dir, "..", "..", "scripts", "dev-console.mjs")

const browser = testBrowser()

test("npm run dev:console serves the page from its sources, and passes everything else on to a service", async () => {
  await using service = await ConsoleService.start()
  const [port] = await freePorts(1)
  await using script = Bun.spawn(["node", SCRIPT, service.url, String(port)], { stdout: "ignore" })
  const url = `http://127.0.0.1:${port}`
  await waitUntil(
    () =>
      fetch(`${url}/console`).then(
        ({ ok }) => ok,
        () => false,
      ),
    "the page",
  )
  await using console = await ConsolePage.open(browser(), service, { key: "admin", url })
  await console.go("events")
  await console.page.getByText("live", { exact: true }).waitFor()
  await service.publish({ type: "custom", name: "seen", payload: {} })
  await console.page.getByRole("link", { name: "custom.seen" }).waitFor()
  await console.go("queues")
  await console.button("Pause voice_events").click()
  await console.button("Resume voice_events").waitFor()
  expect(console.complaints).toEqual([])
  script.kill()
  await script.exited
})

test("npm run dev:console says how it is called", async () => {
  const script = Bun.spawn(["node", SCRIPT, "--help"], { stdout: "pipe", stderr: "pipe" })
  expect(await script.exited).toBe(2)
  expect(await script.stderr.text()).toContain("usage: npm run dev:console --")
})
