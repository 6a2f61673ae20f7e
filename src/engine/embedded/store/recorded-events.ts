import type { Database } from "bun:sqlite"
import type { StoreClock } from "./store-clock.ts"
import { type NamedQueue, StoredRuns } from "./stored-runs.ts"

/** How far the facts of a store tell of its publications. */
export interface RecordedEvents {
  /** Number of the last event up to which they tell of every one. */
  readonly through: number
  /** The publications of the events behind it, which no row of facts tells of yet. */
  readonly later: StoredRuns
}

interface Row {
  readonly event: number
  readonly length: number
  readonly queue: number
  readonly at: number
}

/** Publications by event, one row for each queue. A damaged event has no length. */
const LATER = `
  SELECT seq AS event, ifnull(octet_length(body), 0) AS length, queue, at
  FROM (
    SELECT event, queue, queued_at + ?2 AS at FROM messages WHERE event > ?1
    UNION ALL
    SELECT event, queue, ?3 FROM dead_letters WHERE event > ?1
  ) JOIN events ON seq = event
  ORDER BY event, queue
`

/**
 * Reads how far the facts tell of the publications. The facts of some turns that only publish are written with those of a
 * later turn; if the process ended before that, the queues tell what is missing. They have all of it: an event that leaves
 * its queue has facts of its own, which are never written before those of its publication.
 */
export function readRecorded(database: Database, clock: StoreClock): RecordedEvents {
  using position = database.prepare<{ recorded: number; newest: number }, []>(
    "SELECT recorded, ifnull((SELECT max(seq) FROM events), 0) AS newest FROM store",
  )
  const { recorded, newest } = position.get() ?? { recorded: 0, newest: 0 }
  const later = new StoredRuns()
  // A number is used again if the event with it and all after it were deleted.
  if (newest <= recorded) return { through: newest, later }
  const wallNow = clock.wallNow()
  using query = database.prepare<Row, [number, number, number]>(LATER)
  const rows = query.all(recorded, wallNow - clock.now(), wallNow)
  const queuesOf = queueLists(database)
  for (const [event, [first, ...others]] of Map.groupBy(rows, (row) => row.event)) {
    if (first === undefined) continue
    const queues = queuesOf([first, ...others].map(({ queue }) => queue))
    later.add(event, first.length, queues, first.at)
  }
  return { through: recorded, later }
}

/** Returns a function that returns the same list for the same queues. */
function queueLists(database: Database): (ids: readonly number[]) => readonly NamedQueue[] {
  using query = database.prepare<{ id: number; name: string }, []>("SELECT id, name FROM queues")
  const queues = new Map(query.all().map(({ id, name }) => [id, { declaration: { name } }]))
  const lists = new Map<string, readonly NamedQueue[]>()
  return (ids) => {
    const key = ids.join(",")
    const list = lists.get(key) ?? ids.flatMap((id) => queues.get(id) ?? [])
    lists.set(key, list)
    return list
  }
}
