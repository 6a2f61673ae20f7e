import type { StoredEvent } from "../api/answers.ts"
import { readEventStream } from "../api/event-stream.ts"
import { isAborted, sayError } from "../api/problem.ts"
import { Store } from "./store.ts"

/** Events that the page keeps. */
const MAX_EVENTS = 1_000

/** How often the page shows what is new, in milliseconds: often enough to follow, rarely enough for a busy service. */
const SHOW_MS = 250
const RETRY_MS = 2_000

/** The state of the stream. */
interface Reception {
  readonly connection: "connecting" | "open" | "lost"
  /** Why the connection was lost, if the service says so. */
  readonly fault: string | null
  /** Events that arrived. */
  readonly count: number
  /** Events that the service did not send, because this page was too slow. */
  readonly missed: number
  /** True if events may be missing without a count: the connection was lost. */
  readonly hasGap: boolean
}

export interface LiveState extends Reception {
  readonly isPaused: boolean
  /** The events to show, the newest first. */
  readonly events: readonly StoredEvent[]
  /** Events that wait until the list is no longer paused. */
  readonly held: number
}

const NOTHING: Reception = { connection: "connecting", fault: null, count: 0, missed: 0, hasGap: false }

export const liveEvents = new Store<LiveState>({ ...NOTHING, isPaused: false, events: [], held: 0 })

let reception = NOTHING
/** Events that are not shown yet, the oldest first. */
let arrived: StoredEvent[] = []
let timer: ReturnType<typeof setTimeout> | undefined

/** Follows the live stream until the returned function is called. Events from before stay, and what came between is missing. */
export function followLiveEvents(): () => void {
  const ending = new AbortController()
  reception = { ...NOTHING, hasGap: liveEvents.value.events.length > 0 }
  show()
  void follow(ending.signal)
  return () => ending.abort()
}

/** Stops or continues to show new events. Those that arrive meanwhile are shown when it continues. */
export function pauseLiveEvents(isPaused: boolean): void {
  liveEvents.set({ ...liveEvents.value, isPaused })
  show()
}

export function clearLiveEvents(): void {
  arrived = []
  reception = { ...reception, count: 0, missed: 0, hasGap: false }
  liveEvents.set({ ...liveEvents.value, ...reception, events: [], held: 0 })
}

async function follow(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await readEventStream(READER, signal)
      note({ connection: "lost", fault: null, hasGap: true })
    } catch (error) {
      if (isAborted(error) || signal.aborted) return
      note({ connection: "lost", fault: sayError(error), hasGap: true })
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

const READER = {
  onOpen: () => note({ connection: "open", fault: null }),
  onEvent(event: StoredEvent): void {
    arrived.push(event)
    if (arrived.length > MAX_EVENTS) arrived = arrived.slice(-MAX_EVENTS)
    note({ count: reception.count + 1 })
  },
  onMissed: (count: number | null) =>
    note(count === null ? { hasGap: true } : { missed: reception.missed + count }),
}

function note(change: Partial<Reception>): void {
  reception = { ...reception, ...change }
  timer ??= setTimeout(show, SHOW_MS)
}

function show(): void {
  clearTimeout(timer)
  timer = undefined
  const { events, isPaused } = liveEvents.value
  if (isPaused) {
    liveEvents.set({ ...liveEvents.value, ...reception, held: arrived.length })
    return
  }
  const next = arrived.length === 0 ? events : [...arrived.reverse(), ...events].slice(0, MAX_EVENTS)
  arrived = []
  liveEvents.set({ ...reception, isPaused, events: next, held: 0 })
}
