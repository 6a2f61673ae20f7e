import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { LoopDisk } from "../support/loop-disk.ts"
import { PublishLoad } from "../support/publish-load.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { storedIds } from "../support/stored-ids.ts"
import { tear } from "../support/torn-file.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Four rounds take half a minute; `POWER_LOSS_ROUNDS=25` is the long version. */
const ROUNDS = Number(process.env["POWER_LOSS_ROUNDS"] ?? 4)
const ROUND_TIMEOUT_MS = 60_000

const PAYLOAD_BYTES = 2_000

/** Some rounds end before the first checkpoint, which comes after 16 MiB of log, and some after several. */
const MIN_EVENTS = 500
const MAX_EVENTS = 12_000

/** Files of the store that the disk may hold in part. */
const FILES = ["event-broker.db", "event-broker.db-wal"]

for (let round = 1; round <= ROUNDS; round++) {
  test(
    `a power loss under load loses no event that was answered 201: round ${round}`,
    async () => {
      using disk = LoopDisk.make({ sizeMiB: 256 })
      await using folder = new ServiceFolder()
      folder.write("handlers/count.ts", 'export default { queue: "user_events", on: { counted() {} } }')
      const DATA_DIR = join(disk.path, "store")
      const target = MIN_EVENTS + Math.floor(Math.random() * (MAX_EVENTS - MIN_EVENTS))
      const service = await folder.start({ DATA_DIR, LOG_LEVEL: "INFO" })
      const options = { payloadBytes: PAYLOAD_BYTES, ignoreLostConnections: true }
      const load = new PublishLoad(service, 16, options)
      // Its events are handled and deleted, so that pages are reused.
      const passing = new PublishLoad(service, 8, { ...options, type: "user" })
      await waitUntil(() => load.answered.size >= target, `${target} events to be stored`)
      await service.kill()
      using after = disk.afterPowerLoss()
      await Promise.all([load.stop(), passing.stop()])

      const torn = FILES.map((file) => {
        const inMemory = join(DATA_DIR, file)
        const onDisk = join(after.path, "store", file)
        return existsSync(onDisk) ? tear(inMemory, onDisk, () => Math.random() < 0.5) : 0
      })
      const stored = await storedIds(join(after.path, "store"), "custom_events")
      const lost = [...load.answered].filter((id) => !stored.has(id))
      const figures = `${load.answered.size} answered, ${torn.join(" and ")} sectors torn`
      expect({ figures, lost }).toEqual({ figures, lost: [] })
    },
    ROUND_TIMEOUT_MS,
  )
}
