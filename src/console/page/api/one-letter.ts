import type { DeadLetter } from "./answers.ts"
import { purgeDeadLetters, redriveDeadLetters, type Selection } from "./calls.ts"
import { numberOf } from "./exact-numbers.ts"

/** Step of the times of failures, in seconds. */
const TIME_STEP = 0.001

/**
 * Selects one failure of an event: its id may have more dead letters, of replays, and a later one if it was redriven meanwhile.
 * One that another program made without a time is selected by its id alone.
 */
function selectionOf(id: string, { last_failed_at: at }: DeadLetter): Selection {
  if (at === null) return { ids: [id] }
  const failedAt = numberOf(at)
  return { ids: [id], since: Math.floor(failedAt * 1_000) / 1_000, until: failedAt + TIME_STEP }
}

const ONE = { limit: 1, isDryRun: false } as const

const GONE = "the dead letter is gone, or its event has failed again since. Reload the page to see it."

/** Moves one dead letter back to its queue. @throws {Error} if it did not */
export async function redriveLetter(queue: string, id: string, letter: DeadLetter): Promise<void> {
  const { changed } = await redriveDeadLetters(queue, selectionOf(id, letter), ONE)
  check(changed, `Nothing was moved: the queue is full, or ${GONE}`)
}

/** Deletes one dead letter. @throws {Error} if it did not */
export async function purgeLetter(queue: string, id: string, letter: DeadLetter): Promise<void> {
  const { changed } = await purgeDeadLetters(queue, selectionOf(id, letter), ONE)
  check(changed, `Nothing was deleted: ${GONE}`)
}

function check(changed: number, fault: string): void {
  if (changed === 0) throw new Error(fault)
}
