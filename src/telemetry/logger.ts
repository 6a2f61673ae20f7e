import pino, { type Logger } from "pino"

export type { Logger }

/** The values of `LOG_LEVEL`, and what the log calls them. */
export const LOG_LEVELS = { DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error" } as const

export type LogLevelName = keyof typeof LOG_LEVELS

/**
 * The service's log: one JSON object a line, on standard output. It is written at once, so that the last
 * lines before a crash are there.
 */
export function createLogger(level: LogLevelName): Logger {
  return pino(
    {
      level: LOG_LEVELS[level],
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  )
}
