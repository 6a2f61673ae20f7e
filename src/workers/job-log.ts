import { type AttemptLog, lastLines, lineText, MAX_ATTEMPT_LOG_LENGTH } from "../event/attempt-log.ts"
import type { LogLine } from "./log-budget.ts"

/** Least room for each event of a batch, in characters: enough for the line that says why it failed. */
const MIN_SHARE = 256

/** The last lines that a job writes to the log. */
export class JobLog {
  #log: AttemptLog = { lines: [] }

  /** @param at milliseconds since the epoch */
  add({ level, message, fields }: Pick<LogLine, "level" | "message" | "fields">, at: number): void {
    const line = { at, level, text: lineText(message, fields) }
    this.#log = lastLines({ ...this.#log, lines: [...this.#log.lines, line] }, MAX_ATTEMPT_LOG_LENGTH)
  }

  /** Returns the lines for each of so many events: those of a batch share the room, because nobody knows which it was. */
  forEach(events: number): AttemptLog {
    return events === 1
      ? this.#log
      : lastLines(this.#log, Math.max(MIN_SHARE, MAX_ATTEMPT_LOG_LENGTH / events))
  }
}
