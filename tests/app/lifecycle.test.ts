import { expect, test } from "bun:test"
import { Lifecycle } from "../../src/app/lifecycle.ts"

function lifecycleWithParts(...names: readonly string[]) {
  const stopped: string[] = []
  const faults: string[] = []
  const lifecycle = new Lifecycle((name, error) => faults.push(`${name}: ${String(error)}`))
  for (const name of names) {
    lifecycle.started(name, async () => {
      await Bun.sleep(1)
      stopped.push(name)
    })
  }
  return { lifecycle, stopped, faults }
}

test("parts stop one after the other, the last one first", async () => {
  const { lifecycle, stopped } = lifecycleWithParts("engine", "pool", "server")
  await lifecycle.stop()
  expect(stopped).toEqual(["server", "pool", "engine"])
})

test("a part that can't be stopped is reported, and the others stop", async () => {
  const { lifecycle, stopped, faults } = lifecycleWithParts("engine")
  lifecycle.started("pool", () => Promise.reject(new Error("stuck")))
  lifecycle.started("server", () => {
    throw new Error("gone")
  })
  await lifecycle.stop()
  expect(faults).toEqual(["server: Error: gone", "pool: Error: stuck"])
  expect(stopped).toEqual(["engine"])
})

test("a second stop waits for the first and stops nothing again", async () => {
  const { lifecycle, stopped } = lifecycleWithParts("engine", "server")
  const first = lifecycle.stop()
  await lifecycle.stop()
  expect(stopped).toEqual(["server", "engine"])
  await first
})
