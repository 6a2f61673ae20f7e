import pino, { type Logger } from "pino"
import type { LogFormat } from "./log-format.ts"
import { LogOutput } from "./log-output.ts"
import { printable } from "./printable.ts"
import { openStandardOutput } from "./standard-output.ts"

export type { Logger }

/** Values of `LOG_LEVEL`, and their names in the log. */
export const LOG_LEVELS = { DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error" } as const

export type LogLevelName = keyof typeof LOG_LEVELS

/** The service's log. */
export interface Log {
  readonly logger: Logger
  /** Number of lines dropped so far because nobody read standard output. */
  readonly droppedLines: () => number
  /** True if a person reads the log on a terminal. */
  readonly isForPeople: boolean
  /** Writes lines that are not log entries, if a person reads the log on a terminal. Elsewhere they would break its format. */
  readonly say: (lines: readonly string[]) => void
}

/**
 * Opens the service's log on standard output. Lines are written at once, so that the last ones before a crash are not lost.
 * While nobody reads, lines wait in bounded memory; further lines are dropped and counted.
 */
export function openLog(level: LogLevelName, { show, isForPeople }: LogFormat): Log {
  const output = new LogOutput(openStandardOutput(), (dropped) => {
    gapLogger.warn({ lines: dropped }, "log lines dropped while nobody read standard output")
  })
  const logger = pino(
    {
      level: LOG_LEVELS[level],
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => output.write(show(line)) },
  )
  // Gaps are logged at every LOG_LEVEL; otherwise the log would look complete.
  const gapLogger = logger.child({}, { level: "warn" })
  process.on("exit", () => output.drain())
  const say = (lines: readonly string[]): void => {
    if (isForPeople) output.write(`${lines.map(printable).join("\n")}\n`)
  }
  return { logger, droppedLines: () => output.dropped, isForPeople, say }
}
