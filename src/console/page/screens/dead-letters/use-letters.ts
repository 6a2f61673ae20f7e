import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import { isAborted, isUnreached, sayError } from "../../api/problem.ts"
import { overview } from "../../state/overview.ts"
import { useStore } from "../../state/store.ts"
import { inParallel } from "./in-parallel.ts"
import { type Letter, readLetters } from "./letters.ts"
import type { Period } from "./periods.ts"

/** Dead letters that are read before somebody asks for more. */
const READ_AT_ONCE = 20_000

/** How far a queue was read. */
interface QueueReading {
  readonly queue: string
  /** Continues its list. */
  cursor: string | null
  isWhole: boolean
  /** Why its last page could not be read; null if it could. */
  fault: string | null
}

/** The dead letters that were read. The lists only grow, so that a hundred thousand are not copied again and again. */
export interface Reading {
  /** The time that was asked for, as it was when the reading began. */
  readonly period: Period | null
  readonly queues: QueueReading[]
  readonly letters: Letter[]
  readonly reasons: Set<string>
  readonly names: Set<string>
}

export interface Letters {
  readonly reading: Reading
  /** Number of dead letters that were read. */
  readonly count: number
  readonly isReading: boolean
  readonly readMore: () => void
  readonly again: () => void
}

/** The dead letters to read, as they are when the reading begins. */
export interface Wanted {
  /** The queues, those that matter most first. */
  readonly queues: readonly string[]
  readonly period: Period | null
}

const unread = (queue: string): QueueReading => ({ queue, cursor: null, isWhole: false, fault: null })

const begin = ({ queues, period }: Wanted): Reading => ({
  period,
  queues: queues.map(unread),
  letters: [],
  reasons: new Set(),
  names: new Set(),
})

/** Returns the queues that have dead letters which were not read. */
export const unreadOf = ({ queues }: Reading): readonly QueueReading[] =>
  queues.filter(({ isWhole }) => !isWhole)

/**
 * Reads the dead letters of some queues, the oldest of each first, some thousands at once: a page of each queue, then the
 * next pages. A queue that can't be read costs nothing but its own letters.
 * @param of changes when something else is wanted
 */
export function useLetters(want: () => Wanted, of: string): Letters {
  const [round, setRound] = useState(0)
  const [state, setState] = useState(() => ({ reading: begin(want()), count: 0, isReading: true }))
  const ending = useRef(new AbortController())

  const go = useCallback(async (reading: Reading, wanted = unreadOf(reading)) => {
    const { signal } = ending.current
    const most = reading.letters.length + READ_AT_ONCE
    const show = (isReading: boolean): void => {
      if (!signal.aborted) setState({ reading, count: reading.letters.length, isReading })
    }
    show(true)
    let open = wanted
    while (open.length > 0 && reading.letters.length < most && !signal.aborted) {
      const isEnough = await readPages(reading, open, most, signal, () => show(true))
      if (isEnough) break
      open = open.filter(({ isWhole, fault }) => !isWhole && fault === null)
    }
    show(false)
  }, [])

  useEffect(() => {
    ending.current = new AbortController()
    void go(begin(want()))
    return () => ending.current.abort()
  }, [of, round])

  const { reading, isReading } = state
  const { isReached } = useStore(overview)
  useEffect(() => {
    // The service is back.
    if (isReached && !isReading && reading.queues.some(({ fault }) => fault !== null)) void go(reading)
  }, [isReached])
  const { queues } = want()
  // A queue gets its first dead letter, or RabbitMQ has not counted those that somebody was just reading.
  const known = new Set(reading.queues.map(({ queue }) => queue))
  const missing = queues.filter((queue) => !known.has(queue))
  useEffect(() => {
    if (isReading || missing.length === 0) return
    const added = missing.map(unread)
    reading.queues.push(...added)
    void go(reading, added)
  }, [reading, isReading, missing.join(" ")])

  return {
    ...state,
    readMore: () => void go(reading),
    again: useCallback(() => setRound((before) => before + 1), []),
  }
}

/** Reads a page of each queue. Returns true if the rest does not have to be read now: there is enough, or the service does not answer. */
async function readPages(
  reading: Reading,
  queues: readonly QueueReading[],
  most: number,
  signal: AbortSignal,
  onPage: () => void,
): Promise<boolean> {
  let isEnough = false
  await inParallel(queues, async (each) => {
    if (isEnough || signal.aborted) return
    try {
      const page = await readLetters(each.queue, each.cursor, reading.period, signal)
      if (signal.aborted) return
      each.fault = null
      each.cursor = page.cursor
      each.isWhole = page.cursor === null
      add(reading, page.letters)
      if (reading.letters.length >= most) isEnough = true
      onPage()
    } catch (error) {
      if (isAborted(error)) return
      each.fault = sayError(error)
      if (isUnreached(error)) isEnough = true
    }
  })
  return isEnough
}

function add({ letters, reasons, names }: Reading, page: readonly Letter[]): void {
  for (const letter of page) {
    letters.push(letter)
    reasons.add(letter.reason)
    if (letter.name !== null) names.add(letter.name)
  }
}
