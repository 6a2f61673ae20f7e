import type { DeadLetter, DeadLetterSelection } from "../../src/engine/dead-letter.ts"
import type { Engine } from "../../src/engine/engine.ts"

/** Returns all dead letters of a queue, from all pages. */
export async function deadLettersOf(
  engine: Engine,
  queue: string,
  selection: DeadLetterSelection,
): Promise<readonly DeadLetter[]> {
  const limit = selection.limit ?? Number.POSITIVE_INFINITY
  const found: DeadLetter[] = []
  let cursor: string | undefined
  do {
    const page = await engine.deadLetters(queue, { ...selection, limit: limit - found.length }, cursor)
    found.push(...page.letters)
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined && found.length < limit)
  return found
}
