import { expect, test } from "bun:test"
import { join } from "node:path"

const FUZZ = join(import.meta.dir, "..", "..", "fuzz", "fuzz.ts")

test("5,000 requests that are broken in every way are answered without a 5xx, in flat memory", async () => {
  const fuzz = Bun.spawn([process.execPath, FUZZ, "5000"], { stdout: "pipe", stderr: "inherit" })
  const output = await new Response(fuzz.stdout).text()
  expect(await fuzz.exited, output).toBe(0)
})
