import type { ServiceFolder } from "../../support/running-service.ts"

/** A line that a handler wrote: what it did, the event's key, its number, and its attempt. */
export interface Entry {
  readonly what: string
  readonly key: string
  readonly n: number
  readonly attempt: number
}

/** Makes the text of a statement by which a handler notes what it does with `event`. */
export const note = (folder: ServiceFolder, what: string): string =>
  folder.journal(
    `[${JSON.stringify(what)}, event.ordering_key ?? "-", event.payload.n, event.retry_count + 1].join(" ")`,
  )

/** Reads the notes of the handlers so far. */
export function entriesOf(folder: ServiceFolder): readonly Entry[] {
  return folder.journalLines().map((line) => {
    const [what = "", key = "", n, attempt] = line.split(" ")
    return { what, key, n: Number(n), attempt: Number(attempt) }
  })
}

/** Returns the numbers of the events that were done, by key, in the order in which they were first done. */
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
