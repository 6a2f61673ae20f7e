import type { DeadLetterSelection } from "./engine.ts"

/** Those of a queue's dead letters, in their order, that a selection means. */
export function select<Letter extends { readonly body: string }>(
  letters: readonly Letter[],
  { ids, limit = Number.POSITIVE_INFINITY }: DeadLetterSelection,
): readonly Letter[] {
  if (ids === undefined) return letters.slice(0, limit)
  const wanted = new Set(ids)
  return letters.filter(({ body }) => wanted.has(idOf(body))).slice(0, limit)
}

/** Empty, which is no event's id, for what is not an event. */
function idOf(body: string): string {
  try {
    const event: unknown = JSON.parse(body)
    if (typeof event === "object" && event !== null && "id" in event) return String(event.id)
  } catch {
    // Another program's message; it can be redriven with all the others alone.
  }
  return ""
}
