import type { StoredBody, Watcher } from "../engine/engine.ts"
import { Watchers } from "../engine/watchers.ts"
import type { AttemptLog } from "../event/attempt-log.ts"
import { attemptsOf, type FactBatch, type HandledFact, type HistoryFact } from "../event/history-fact.ts"

/** Facts that are older than this are part of the past, which is read again after a start. In milliseconds. */
const MAX_AGE_MS = 10_000

/** Facts that are outcomes begin with one of these. */
const STARTS = ['{"fact":"attempt"', '{"fact":"handled"', '{"fact":"dead-lettered"']

type Outcome = Extract<HistoryFact, { fact: "attempt" | "dead-lettered" }>

/** Shows to observers how attempts end, as the facts arrive. Reads nothing while there are none. */
export class Outcomes {
  readonly #watchers = new Watchers()

  /** As `Engine.watch`. The routing key is the name of the queue, and the body the outcome as JSON. */
  async watch(watcher: Watcher): Promise<() => void> {
    return this.#watchers.add(watcher)
  }

  show({ text }: FactBatch): void {
    if (this.#watchers.isEmpty) return
    const since = Date.now() - MAX_AGE_MS
    for (const line of text.split("\n")) {
      if (!STARTS.some((start) => line.startsWith(start))) continue
      for (const outcome of readOutcomes(line)) {
        if (outcome.at >= since) this.#watchers.tell(storedBody(outcome))
      }
    }
  }
}

function readOutcomes(line: string): readonly Outcome[] {
  try {
    const fact: Outcome | HandledFact = JSON.parse(line)
    if (fact.fact === "handled") return attemptsOf(fact)
    return typeof fact.at === "number" && typeof fact.queue === "string" ? [fact] : []
  } catch {
    // Another program wrote it.
    return []
  }
}

const inSeconds = (ms: number): number => ms / 1_000

const withSeconds = ({ lines, ...rest }: AttemptLog): AttemptLog => ({
  lines: lines.map((line) => ({ ...line, at: inSeconds(line.at) })),
  ...rest,
})

/** An outcome without what the history alone needs. Times are in seconds since the epoch, as in all answers. */
function storedBody({ fact, event: _event, at, ...rest }: Outcome): StoredBody {
  const optional = { published_at: undefined, next_at: undefined, log: undefined }
  const { published_at: published, next_at: next, log, ...others } = { ...optional, ...rest }
  const outcome = fact === "dead-lettered" ? { outcome: "dead-letter", attempt: null } : {}
  const shown = {
    at: inSeconds(at),
    ...(published !== undefined && { published_at: inSeconds(published) }),
    ...others,
    ...outcome,
    ...(next !== undefined && { next_attempt_at: inSeconds(next) }),
    ...(log !== undefined && { log: withSeconds(log) }),
  }
  return { routingKey: rest.queue, body: JSON.stringify(shown), isForeign: false, malformed: null }
}
