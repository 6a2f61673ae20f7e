import { EXIT_PARTLY, EXIT_REFUSED } from "./exit-codes.ts"
import { nameOf } from "./input.ts"
import type { Counts, EventAnswer } from "./publish-outcome.ts"
import { CommandError } from "./service-client.ts"

/** How far an upload of lines got. */
export interface Reached {
  readonly file: string
  /** Of the lines before `firstOpen`. */
  readonly counts: Counts
  /** Number of the first line that is not done, from 1: it has no answer, or was refused for the time being. */
  readonly firstOpen: number
  /** False if the service said that it read nothing from that line on. */
  readonly mayBeStored: boolean
  /** Number of the first line of the file. */
  readonly firstLine: number
  /** The idempotency key of the upload; null if it has none. */
  readonly key: string | null
}

/** Counts the answers to lines. The last lines that were all refused for the time being are not done. */
export class LineTally {
  #stored = 0
  #failed = 0
  /** Number of the first of those lines, and how many have failed since; null if the last line is done. */
  #open: { readonly line: number; failed: number } | null = null

  get counts(): Counts {
    return { stored: this.#stored, failed: this.#failed }
  }

  add({ status, line, problem }: EventAnswer): void {
    if (status !== "failed") {
      this.#stored++
      this.#open = null
      return
    }
    this.#failed++
    if (problem?.retryable === true && line !== undefined) this.#open ??= { line, failed: 0 }
    if (this.#open !== null) this.#open.failed++
  }

  /** @param firstUnanswered number of the first line without an answer */
  reached(file: string, firstUnanswered: number): Omit<Reached, "firstLine" | "key"> {
    const failed = this.#failed - (this.#open?.failed ?? 0)
    const firstOpen = this.#open?.line ?? firstUnanswered
    return { file, counts: { stored: this.#stored, failed }, firstOpen, mayBeStored: true }
  }
}

/** Characters that no shell gives a meaning. */
const PLAIN = /^[\w./:@%+,=][\w./:@%+,=-]*$/

/** The error for an upload whose answers ended early. Its message says why, how far it got, and how to continue. */
export const brokenOff = (why: string, exitCode: number, reached: Reached): CommandError =>
  new CommandError(`${why}\n${describeReached(reached)}`, exitCode)

/**
 * The error for a response that is complete and does not answer all lines.
 * @param last the last answer. If it is a failure, it is about the whole upload, at the first line that was not read.
 */
export function endedEarly(last: EventAnswer | undefined, reached: Reached): CommandError {
  const isReason = last?.status === "failed"
  const isCounted = isReason && (last.line === undefined || last.line < reached.firstOpen)
  const counts = isCounted ? { ...reached.counts, failed: reached.counts.failed - 1 } : reached.counts
  const firstOpen = (isCounted ? last.line : undefined) ?? reached.firstOpen
  const why =
    (isReason ? last.problem?.detail : undefined) ?? "the answer ended before the last line was answered"
  const exitCode = counts.stored > 0 ? EXIT_PARTLY : EXIT_REFUSED
  const rest = { counts, firstOpen, mayBeStored: !isReason }
  return brokenOff(why.replace(/\.$/, ""), exitCode, { ...reached, ...rest })
}

/** Says in two lines what was stored, from which line on nothing is known, and how to continue there. */
export function describeReached(reached: Reached): string {
  const { file, counts, firstOpen: line, mayBeStored, firstLine, key } = reached
  const rest = mayBeStored ? "no line is known to be stored, although some may be" : "no line is stored"
  const known = `${counts.stored} stored, ${counts.failed} failed; from line ${line} on, ${rest}`
  const options = key === null ? "" : ` --idempotency-key ${quoted(key)} --first-line ${line}`
  const next =
    nameOf(file) !== file
      ? `to continue, publish standard input again from line ${line} on${options && `, with${options}`}`
      : `to continue: tail -n +${line - firstLine + 1} ${quoted(file)} | event-broker publish --ndjson${options} -`
  return `${known}\n${next}`
}

/** Quotes a word of a command, if the shell needs it. */
const quoted = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
