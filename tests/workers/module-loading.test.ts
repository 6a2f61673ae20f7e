import { expect, test } from "bun:test"
import { ModuleLoadError } from "../../src/handlers/module-load-error.ts"
import { ModuleLoading } from "../../src/workers/module-loading.ts"

const loading = (timeoutMs = 60_000, onTimeout: (reason: string) => void = () => {}) =>
  new ModuleLoading({ timeoutMs, onTimeout, onSlow: () => {} })

test("the first end counts: modules that are loaded stay so when their worker ends", async () => {
  const one = loading()
  const loaded = one.loaded()
  one.beginFile("a.ts")
  one.finish([{ file: "a.ts", exported: {} }])
  one.exit()
  one.end("the worker ended")
  expect(await loaded).toEqual([{ file: "a.ts", exported: {} }])
})

test("a worker that ends by itself has a module to blame as soon as one is being imported", async () => {
  const [before, during] = [loading(), loading()]
  const results = Promise.allSettled([before.loaded(), during.loaded()])
  before.exit()
  before.end("the worker ended")
  during.beginFile("a.ts")
  during.exit()
  during.end("the worker ended")
  const [first, second] = (await results).map((result) =>
    result.status === "rejected" ? result.reason : null,
  )
  expect(first).not.toBeInstanceOf(ModuleLoadError)
  expect(first).toMatchObject({ message: "the worker ended" })
  expect(second).toBeInstanceOf(ModuleLoadError)
  expect(second).toMatchObject({
    file: "a.ts",
    message: expect.stringContaining("ended its worker while it was loaded"),
  })
})

test("a worker that is ended while it loads names the module, which is not to blame", async () => {
  const one = loading()
  const loaded = one.loaded()
  one.beginFile("a.ts")
  one.end("no memory")
  const reason = await loaded.catch((error: unknown) => error)
  expect(reason).not.toBeInstanceOf(ModuleLoadError)
  expect(reason).toMatchObject({ message: "no memory while it loaded a.ts" })
})

test("a module that takes too long is to blame, and the worker can't be used", async () => {
  const reasons: string[] = []
  const one = loading(1, (reason) => reasons.push(reason))
  const loaded = one.loaded()
  one.beginFile("a.ts")
  await expect(loaded).rejects.toThrow("handler module a.ts: did not finish loading within 0.001 s")
  expect(reasons).toEqual(["the worker did not start within 0.001 s"])
})
