import { expect, test } from "bun:test"
import { ServiceFolder } from "../support/running-service.ts"
import { SlowSyncs } from "../support/slow-syncs.ts"

const TIMEOUT_MS = 60_000

/** Far longer than a probe, so that the probes below finish before a sync does. */
const SYNC_MS = 3_000

const PROBES = 50

test(
  "a disk that takes seconds to sync delays publishes, and nothing else",
  async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    await service.publish({ name: "before" })
    await using _ = await SlowSyncs.of(service.pid, SYNC_MS)
    const published = Promise.all(Array.from({ length: 10 }, () => service.publish({ name: "held-up" })))
    for (let i = 0; i < PROBES; i++) expect((await service.get("/health/live")).status).toBe(200)
    expect(Bun.peek.status(published)).toBe("pending")
    expect(await published).toHaveLength(10)
  },
  TIMEOUT_MS,
)
