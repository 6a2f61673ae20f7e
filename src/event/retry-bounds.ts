import type { Backoff } from "./backoff.ts"

/** Attempts of an event before it becomes a dead letter, unless its module says otherwise. */
export const DEFAULT_ATTEMPTS = 5

/** Waits between attempts, unless the module says otherwise. */
export const DEFAULT_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 60_000 }

/** Longest wait between two attempts, whether a module or its function asks for it, in milliseconds: one day. */
export const MAX_RETRY_DELAY_MS = 86_400_000

/**
 * Longest wait for the next attempt of an event that is held for its ordering key, in milliseconds, and as a part of the
 * time that RabbitMQ leaves a delivery unsettled.
 */
export const MAX_HELD_DELAY_MS = 600_000
export const MAX_HELD_PART = 1 / 3

/** Longest delay that an engine stores, in milliseconds: one year. Longer delays are cut. */
export const MAX_STORED_DELAY_MS = 365 * 86_400_000

/** Cuts a delay to what an engine can store, in milliseconds. No delay for a value that is not a duration. */
export const storableDelay = (delayMs: number): number =>
  Number.isNaN(delayMs) ? 0 : Math.min(MAX_STORED_DELAY_MS, Math.max(0, delayMs))

/** Largest number of retries. A larger one is an error of another program, and one more would overflow AMQP's integers. */
export const MAX_RETRY_COUNT = 1_000_000_000
