/** Fills a history with events, and measures lookups and the size of its file. Argument: events. */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { draft } from "./draft.ts"
import { median } from "./measure.ts"
import { ServerProcess } from "./server-process.ts"

const [filled = "2000000"] = process.argv.slice(2)

const BATCH = 1_000
const LOOKUPS = 1_000

/** Most milliseconds of a lookup. */
const LOOKUP_TARGET_MS = 5

const historyBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.startsWith("history"))
    .reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0)

await fillAndLookUp(Number(filled))

/** Publishes events until the history has had as many, and looks some of them up at half of it and at the end. */
async function fillAndLookUp(total: number): Promise<void> {
  using folder = temporaryFolder()
  await using server = await ServerProcess.broker({ DATA_DIR: folder.path, HANDLERS_DIR: "" })
  const headers = { "Content-Type": "application/json" }
  let largest = 0
  const recent: string[] = []
  for (let published = 0; published < total; published += BATCH) {
    const events = Array.from({ length: BATCH }, () => draft())
    const body = JSON.stringify({ events })
    const response = await fetch(`${server.url}/api/v1/events/batch`, { method: "POST", headers, body })
    const answer = (await response.json()) as { readonly events: readonly { readonly id: string }[] }
    const [first] = answer.events
    if (first !== undefined) recent.push(first.id)
    largest = Math.max(largest, historyBytes(folder.path))
    if ((published + BATCH) % (total / 2) === 0) await lookUp(server.url, recent, published + BATCH)
  }
  console.log(
    `largest size of the history's file and log: ${(largest / 2 ** 20).toFixed(0)} MiB (bound: 1024 MiB)`,
  )
}

async function lookUp(url: string, ids: readonly string[], published: number): Promise<void> {
  // The first one waits for what is on its way.
  await fetch(`${url}/api/v1/events/${ids.at(-1)}`)
  const times: number[] = []
  let missing = 0
  for (let each = 0; each < LOOKUPS; each++) {
    const id = ids[Math.floor(Math.random() * ids.length)]
    const begunAt = performance.now()
    const response = await fetch(`${url}/api/v1/events/${id}`)
    await response.text()
    times.push(performance.now() - begunAt)
    if (!response.ok) missing++
  }
  const sorted = times.toSorted((a, b) => a - b)
  console.log(
    `lookup by id over HTTP after ${published} events, ${LOOKUPS} times: median ${median(times).toFixed(2)} ms, ` +
      `99 % ${sorted[Math.floor(LOOKUPS * 0.99)]?.toFixed(2)} ms (target: ${LOOKUP_TARGET_MS}); ${missing} no longer kept`,
  )
}
