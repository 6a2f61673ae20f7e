import { expect, test } from "bun:test"
import {
  handledHistory,
  inventedRuns,
  publishUntilGone,
  writeNotingModule,
} from "../support/killed-history.ts"
import { ServiceFolder } from "../support/running-service.ts"

/** Kills of one run. The whole campaign has 200: `HISTORY_KILLS=200`. */
const KILLS = Number(process.env["HISTORY_KILLS"] ?? 10)

const TIMEOUT_MS = 60_000 + KILLS * 5_000

/** Longest life of a process, in milliseconds. */
const MAX_LIFE_MS = 600

test(
  "after kills at random moments, the history knows every event answered 201, and tells of no run that was not",
  async () => {
    await using folder = new ServiceFolder()
    writeNotingModule(folder)
    const answered = new Set<string>()
    for (let kill = 0; kill < KILLS; kill++) {
      const service = await folder.start()
      const published = publishUntilGone(service, answered)
      await Bun.sleep(Math.random() * MAX_LIFE_MS)
      await service.kill()
      await published
    }
    const listed = await handledHistory(await folder.start())
    const known = new Set(listed.map(({ id }) => id))
    expect([...answered].filter((id) => !known.has(id))).toEqual([])
    // A fact without a run would be a lie.
    expect(inventedRuns(listed, folder)).toEqual([])
    expect(folder.journalLines().filter((id) => !known.has(id))).toEqual([])
    expect(listed.length).toBe(known.size)
    expect(answered.size).toBeGreaterThan(KILLS)
  },
  TIMEOUT_MS,
)
