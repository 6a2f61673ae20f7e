import type { Overview, Queue, Throughput } from "../api/answers.ts"
import { call } from "../api/client.ts"
import { isAborted, Problem, sayError } from "../api/problem.ts"
import { now, setServiceTime } from "./clock.ts"
import { Store } from "./store.ts"

/** Time between an answer and the next request, in milliseconds. */
const INTERVAL_MS = 2_000
const MAX_INTERVAL_MS = 8_000

/** Longest wait for an answer, in milliseconds: then the page says that what it shows is not current. */
const DEADLINE_MS = 6_000

/** The service shares an answer for a second: earlier, a change would not show. */
const SHARED_MS = 1_050

/** Steps of an hour, and the depths of a queue that its trend shows. */
const HOUR_STEPS = 720
const TREND_LENGTH = 60

export interface OverviewState {
  /** The last answer; null before the first one. */
  readonly snapshot: Overview | null
  /** When it came, in milliseconds since the epoch. */
  readonly receivedAt: number
  /** Why there is no newer answer; null if there is one. */
  readonly fault: string | null
  /** False if the service could not be reached. */
  readonly isReached: boolean
}

const NOTHING: OverviewState = { snapshot: null, receivedAt: 0, fault: null, isReached: true }

export const overview = new Store(NOTHING)

const trends = new Map<string, number[]>()
let timer: ReturnType<typeof setTimeout> | undefined
let intervalMs = INTERVAL_MS
let request: AbortController | null = null

/** Keeps the overview current while the page is visible, until the returned function is called. */
export function followOverview(): () => void {
  const onVisibility = (): void => {
    if (document.visibilityState === "visible") void refresh()
    else pause()
  }
  document.addEventListener("visibilitychange", onVisibility)
  addEventListener("online", refresh)
  void refresh()
  return () => {
    document.removeEventListener("visibilitychange", onVisibility)
    removeEventListener("online", refresh)
    pause()
    trends.clear()
    overview.set(NOTHING)
  }
}

/** Asks again as soon as a change that was just made can show. An answer from before the change is not shown. */
export function refreshSoon(): void {
  pause()
  timer = setTimeout(() => void refresh(), SHARED_MS)
}

/** Shows a change of a queue before the next answer has it. */
export function showChange(name: string, change: Partial<Queue>): void {
  const { snapshot } = overview.value
  if (snapshot === null) return
  const queues = snapshot.queues.map((queue) => (queue.name === name ? { ...queue, ...change } : queue))
  overview.set({ ...overview.value, snapshot: { ...snapshot, queues } })
  refreshSoon()
}

/** Returns the latest depths of a queue that this page has seen, the oldest first. */
export const trendOf = (queue: string): readonly number[] => trends.get(queue) ?? []

function pause(): void {
  clearTimeout(timer)
  request?.abort()
  request = null
}

async function refresh(): Promise<void> {
  pause()
  const own = new AbortController()
  request = own
  const before = overview.value.snapshot?.throughput
  try {
    const query = { since: before === undefined || before.ends_at === 0 ? undefined : before.ends_at }
    const answer = await call<Overview>("api/v1/overview", {
      query,
      signal: own.signal,
      timeoutMs: DEADLINE_MS,
    })
    if (own.signal.aborted) return
    const snapshot = { ...answer, throughput: append(before, answer.throughput) }
    noteTrends(answer.queues)
    setServiceTime(answer.at)
    overview.set({ snapshot, receivedAt: now() * 1_000, fault: null, isReached: true })
    intervalMs = INTERVAL_MS
  } catch (error) {
    if (isAborted(error) || own.signal.aborted) return
    const isReached = !(error instanceof Problem) || error.status !== 0
    overview.set({ ...overview.value, fault: sayError(error), isReached })
    intervalMs = Math.min(intervalMs * 2, MAX_INTERVAL_MS)
  }
  if (request === own) timer = setTimeout(() => void refresh(), intervalMs)
}

/** Appends the steps that are new. A service that has restarted begins again. */
function append(before: Throughput | undefined, next: Throughput): Throughput {
  if (before === undefined || before.ends_at === 0 || next.ends_at < before.ends_at) return next
  const joined = (old: readonly number[], added: readonly number[]): readonly number[] =>
    added.length === 0 ? old : [...old, ...added].slice(-HOUR_STEPS)
  return {
    ...next,
    published: joined(before.published, next.published),
    handled: joined(before.handled, next.handled),
    failed: joined(before.failed, next.failed),
  }
}

function noteTrends(queues: readonly Queue[]): void {
  for (const { name, waiting } of queues) {
    const trend = trends.get(name) ?? []
    trend.push(waiting)
    if (trend.length > TREND_LENGTH) trend.shift()
    trends.set(name, trend)
  }
}
