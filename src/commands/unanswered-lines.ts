import { EXIT_PARTLY, EXIT_REFUSED } from "./exit-codes.ts"
import { nameOf } from "./input.ts"
import type { Counts, EventAnswer } from "./publish-outcome.ts"
import { CommandError } from "./service-client.ts"

/** How far an upload of lines got. */
export interface Reached {
  readonly file: string
  readonly counts: Counts
  /** Number of the first line without an answer, from 1. */
  readonly firstUnanswered: number
  /** False if the service said that it read nothing from that line on. */
  readonly mayBeStored: boolean
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
  const counts = isReason ? { ...reached.counts, failed: reached.counts.failed - 1 } : reached.counts
  const firstUnanswered = (isReason ? last.line : undefined) ?? reached.firstUnanswered
  const why =
    (isReason ? last.problem?.detail : undefined) ?? "the answer ended before the last line was answered"
  const exitCode = counts.stored > 0 ? EXIT_PARTLY : EXIT_REFUSED
  const rest = { counts, firstUnanswered, mayBeStored: !isReason }
  return brokenOff(why.replace(/\.$/, ""), exitCode, { ...reached, ...rest })
}

/** Says in two lines what was stored, from which line on nothing is known, and how to continue there. */
export function describeReached({ file, counts, firstUnanswered: line, mayBeStored }: Reached): string {
  const rest = mayBeStored ? "no line is known to be stored, although some may be" : "no line is stored"
  const known = `${counts.stored} stored, ${counts.failed} failed; from line ${line} on, ${rest}`
  const name = PLAIN.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`
  const next =
    nameOf(file) !== file
      ? `to continue, publish standard input again from line ${line} on`
      : `to continue: tail -n +${line} ${name} | event-broker publish --ndjson -`
  return `${known}\n${next}`
}
