import { expect, test } from "bun:test"
import { join } from "node:path"
import { LoopDisk } from "../support/loop-disk.ts"
import { PublishLoad } from "../support/publish-load.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { storedIds } from "../support/stored-ids.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

/** Keeps every thread of Bun's pool busy for seconds, so that a sync on one of them would be late. */
const HASHING = `
export default {
  queue: "user_events",
  on: {
    async hash() {
      const hashes = Array.from({ length: 16 }, () =>
        Bun.password.hash("secret", { algorithm: "argon2id", memoryCost: 65_536, timeCost: 6 }))
      await Promise.all(hashes)
    },
  },
}
`

test(
  "a failing disk ends the service with code 1, and every event that was answered 201 is kept",
  async () => {
    using disk = LoopDisk.make({ sizeMiB: 64, backedMiB: 24 })
    await using folder = new ServiceFolder()
    folder.write("handlers/hash.ts", HASHING)
    const DATA_DIR = join(disk.path, "store")
    const service = await folder.start({ DATA_DIR, BODY_TIMEOUT: "50000" })
    await Promise.all(
      Array.from({ length: 4 }, () =>
        service.post("/api/v1/events", { type: "user", name: "hash", payload: {} }),
      ),
    )
    const load = new PublishLoad(service, 16, { ignoreLostConnections: true })
    await waitUntil(() => load.answered.size > 200, "events to be stored")
    disk.breakDown()
    const code = await service.exited()
    await load.stop()
    using held = disk.afterPowerLoss()
    const stored = await storedIds(join(held.path, "store"), "custom_events")
    expect([...load.answered].filter((id) => !stored.has(id))).toEqual([])
    expect(code).toBe(1)
    expect(service.log.filter(({ msg }) => msg === "the engine's state changed")).toMatchObject([
      { state: "failed", reason: expect.stringContaining("the store can't be synced") },
    ])
  },
  TIMEOUT_MS,
)
