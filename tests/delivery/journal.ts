import type { ServiceFolder } from "../support/running-service.ts"

/** A line that a handler wrote: what it did, the event's key, its number, and its attempt. */
export interface Entry {
  readonly what: string
  readonly key: string
  readonly n: number
  readonly attempt: number
}

/** Text of a statement with which a handler of a module says what it does with `event`. */
export const note = (folder: ServiceFolder, what: string): string =>
  folder.journal(
    `[${JSON.stringify(what)}, event.ordering_key ?? "-", event.payload.n, event.retry_count + 1].join(" ")`,
  )

/** What the handlers have said so far. */
export function entriesOf(folder: ServiceFolder): readonly Entry[] {
  return folder.journalLines().map((line) => {
    const [what = "", key = "", n, attempt] = line.split(" ")
    return { what, key, n: Number(n), attempt: Number(attempt) }
  })
}

/** The numbers of the events that were done, each where it was done first, by key. */
export function doneByKey(folder: ServiceFolder): ReadonlyMap<string, readonly number[]> {
  const done = new Map<string, number[]>()
  for (const { what, key, n } of entriesOf(folder)) {
    if (what !== "done") continue
    const numbers = done.get(key) ?? []
    if (!numbers.includes(n)) numbers.push(n)
    done.set(key, numbers)
  }
  return done
}

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)
