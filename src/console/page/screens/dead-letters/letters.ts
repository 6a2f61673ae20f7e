import type { DeadLetter } from "../../api/answers.ts"
import { listDeadLetters } from "../../api/calls.ts"
import { isRecord } from "../../api/record.ts"
import { endsOf, type Period } from "./periods.ts"

/** Dead letters of one request. */
const PAGE = 500

/** The part of a dead letter that the console keeps: a hundred thousand of them are 30 MB. */
export interface Letter {
  readonly queue: string
  /** Null for a message that is not an event: it can be moved or deleted only with all others of its reason. */
  readonly id: string | null
  /** Type and name of the event; null as the id. */
  readonly type: string | null
  readonly name: string | null
  readonly reason: string
  readonly error: string
  readonly attempts: number
  readonly firstFailedAt: number | null
  readonly lastFailedAt: number | null
}

export interface LetterPage {
  readonly letters: readonly Letter[]
  /** Continues the list; null at its end. */
  readonly cursor: string | null
}

/** Reads the next dead letters of a queue, the oldest first. @param period those that failed last in it; null for all */
export async function readLetters(
  queue: string,
  from: string | null,
  period: Period | null,
  signal: AbortSignal,
): Promise<LetterPage> {
  const page = await listDeadLetters(queue, { limit: PAGE, cursor: from, ...endsOf(period) }, signal)
  return { letters: page.dead_letters.map((letter) => summaryOf(queue, letter)), cursor: page.cursor }
}

function summaryOf(queue: string, letter: DeadLetter): Letter {
  const event = isRecord(letter.event) ? letter.event : {}
  const { id, type, name } = event
  return {
    queue,
    id: textOf(id),
    type: textOf(type),
    name: textOf(name),
    reason: letter.reason,
    error: letter.error === null ? "" : `${letter.error.name}: ${letter.error.message}`,
    attempts: letter.attempts,
    firstFailedAt: letter.first_failed_at,
    lastFailedAt: letter.last_failed_at,
  }
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null)

/** Returns type and name of a dead letter's event. */
export const titleOf = ({ type, name }: Pick<Letter, "type" | "name">): string =>
  name === null ? "not an event" : `${type ?? "?"}.${name}`
