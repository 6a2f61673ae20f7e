/**
 * Measures the CPU time of the history's thread alone, for events that are published and for those that are handled later.
 * Unlike rates it hardly depends on what else the machine does. Argument: rounds.
 */
import { join } from "node:path"
import { engineLine, type FactBatch, type HandledRun } from "../src/event/history-fact.ts"
import { Projection } from "../src/history/projection.ts"
import { newEvent } from "../tests/support/new-event.ts"
import { storedLine, storeWith } from "../tests/support/stored-publications.ts"
import { temporaryFolder } from "../tests/support/temporary-folder.ts"
import { draft } from "./draft.ts"
import { median } from "./measure.ts"

const [rounds = "5"] = process.argv.slice(2)

const EVENTS = 120_000

/** Events of a turn at 64 connections, and of a quarter of a second at a high rate. */
const TURN_EVENTS = 32
const STEP_EVENTS = 4_000

const LIMITS = { retentionMs: 86_400_000, maxBytes: 1_073_741_824 }
const QUEUE = "voice_events"
const DRAFT = draft()

/** Returns the microseconds of CPU for each event. */
function measure(projection: Projection, lines: readonly string[]): number {
  const turns = STEP_EVENTS / TURN_EVENTS
  const begun = process.cpuUsage()
  for (let first = 0; first < lines.length; first += turns) {
    const batches = lines.slice(first, first + turns).map((text): FactBatch => {
      const token = crypto.randomUUID()
      return { token, position: token, text }
    })
    projection.apply(batches, Date.now())
    projection.retain(Date.now())
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / EVENTS
}

function round(): { readonly published: number; readonly handled: number } {
  using folder = temporaryFolder()
  const ids = Array.from({ length: EVENTS }, () => Bun.randomUUIDv7())
  using store = storeWith(
    ids.map((id) => ({ event: newEvent({ ...DRAFT, type: "voice", priority: "high", id }) })),
  )
  using projection = Projection.open(join(folder.path, "history.db"), LIMITS, store.file)
  const at = Date.now()
  const firsts = ids.flatMap((_, place) => (place % TURN_EVENTS === 0 ? [place] : []))
  const published = firsts.map((place) => storedLine(at, [QUEUE], place, place + TURN_EVENTS - 1))
  const of = { queue: QUEUE, module: "summary.ts", handler: "*", generation: "ed10a331" }
  const handled = firsts.map((place) => {
    const runs = ids.slice(place, place + TURN_EVENTS).map((id): HandledRun => [id, at + 5, at, 1, 0.34])
    return engineLine({ fact: "handled", at: at + 5, ...of, runs })
  })
  return { published: measure(projection, published), handled: measure(projection, handled) }
}

const measured = Array.from({ length: Number(rounds) }, round)
for (const kind of ["published", "handled"] as const) {
  const us = median(measured.map((each) => each[kind]))
  console.log(
    `the history's thread, an event that is ${kind}: ${us.toFixed(1)} us of CPU (median of ${rounds})`,
  )
}
