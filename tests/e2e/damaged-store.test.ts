import { expect, test } from "bun:test"
import { join } from "node:path"
import { breakBodies } from "../support/damage.ts"
import { ServiceFolder } from "../support/running-service.ts"

const TEST_TIMEOUT_MS = 60_000
const MIDDLE = "the middle of a large body"

test(
  "a service that meets a damage of its store says so once, with what to do, and ends with code 1",
  async () => {
    await using folder = new ServiceFolder()
    const first = await folder.start()
    const text = "x".repeat(8_000) + MIDDLE + "x".repeat(12_000)
    await first.publish({ name: "called", payload: { text } })
    expect(await first.stop()).toBe(0)
    breakBodies(join(folder.path, "data"), MIDDLE)

    folder.write("handlers/calls.ts", 'export default { queue: "custom_events", on: { called() {} } }')
    const second = await folder.start()
    expect(await second.exited()).toBe(1)
    const failures = second.log.filter(({ msg }) => msg === "the engine's state changed")
    expect(failures).toEqual([
      expect.objectContaining({ level: "error", state: "failed", reason: expect.stringContaining("backup") }),
    ])
  },
  TEST_TIMEOUT_MS,
)

test(
  "a file that is no store is refused with one sentence and code 1",
  async () => {
    await using folder = new ServiceFolder()
    folder.write("data/event-broker.db", "x".repeat(8_192))
    const service = folder.spawn()
    expect(await service.exited()).toBe(1)
    expect(service.stderr).toMatch(/^event-broker: .*event-broker\.db is not an Event Broker store.*\n$/)
  },
  TEST_TIMEOUT_MS,
)
