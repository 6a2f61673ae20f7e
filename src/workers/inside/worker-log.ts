import { counted } from "../../event/counted.ts"
import type { LogLevel } from "../../handlers/handler-module.ts"
import { toJson } from "../../system/intrinsics.ts"
import { LogBudget, type LogLine, MAX_LINE_LENGTH, sizeOfLine } from "../log-budget.ts"
import type { CallSummary, FromWorker } from "../messages.ts"

/** Longest message of one line, in characters: people read these lines. */
const MAX_MESSAGE_LENGTH = 16 * 1024

/** A call of a function, as the author of log lines. */
export interface LineWriter {
  readonly job: number
  readonly summary: CallSummary
}

/** The log of this worker's handlers. Every line goes through the main thread, and none makes the worker wait. */
export class WorkerLog {
  readonly #tell: (message: FromWorker) => void
  #budget = LogBudget.whole()

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell
  }

  /** Uses a budget that the main thread gives back to. */
  useBudget(memory: SharedArrayBuffer): void {
    this.#budget = LogBudget.over(memory)
  }

  /**
   * @param writer the call that writes, or null outside of all calls
   * @param fields a JSON object
   */
  write(writer: LineWriter | null, level: LogLevel, message: string, fields: string): void {
    const line: LogLine = {
      kind: "log",
      job: writer?.job ?? null,
      call: writer?.summary ?? null,
      level,
      message: shorten(message),
      fields: fields.length > MAX_LINE_LENGTH ? tooLong(fields) : fields,
    }
    if (this.#budget.take(sizeOfLine(line))) this.#tell(line)
  }
}

function shorten(text: string): string {
  const excess = text.length - MAX_MESSAGE_LENGTH
  return excess > 0 ? `${text.slice(0, MAX_MESSAGE_LENGTH)}… and ${counted(excess, "more character")}` : text
}

const tooLong = (fields: string): string =>
  toJson({ fields: `can't be shown: ${fields.length} characters of JSON` })
