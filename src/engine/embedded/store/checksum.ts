import { crc32 } from "node:zlib"

/** The stored content of an event. */
export interface StoredEvent {
  readonly body: string
  /** The trace context and the lineage, as text; null if there are none. */
  readonly trace: string | null
}

/** An event that is stored now. */
export interface NewEvent extends StoredEvent {
  /** See `layoutOf`; null if the history does not ask for it. */
  readonly layout: number | null
}

/**
 * Values that a checksum covers in addition to the texts, so that it also detects a changed pointer or
 * priority.
 */
export interface Identity {
  readonly event: number
  readonly priority: number
}

/**
 * Distance between event numbers. With it, a pointer with one changed byte refers to no event, rather than to
 * another one: 257 is prime, and changing one byte never adds a multiple of it. (Such codes are called AN
 * codes.)
 */
export const EVENT_STEP = 257

/**
 * Odd factors, so that every bit of the input changes the product. They are constants of SplitMix,
 * MurmurHash3 and xxHash32.
 */
const EVENT_FACTOR = 0x9e3779b1
const EVENT_HIGH_FACTOR = 0x85ebca6b
const PRIORITY_FACTOR = 0xc2b2ae35
const QUEUE_FACTOR = 0x27d4eb2f

/**
 * Returns the checksum of an event that several queues share: a CRC-32 of its body and trace, mixed with its
 * event number and priority. A CRC detects every change of one or two bits. It takes 0.1 µs for a body of 300
 * bytes, 0.4 µs for 2 kB and 1.6 µs for 20 kB; xxHash32 takes up to twice as long, and xxHash64 and xxHash3
 * allocate a BigInt.
 */
export function checksumOf(body: string, trace: string | null, { event, priority }: Identity): number {
  const texts = trace === null ? crc32(body) : crc32(trace, crc32(body))
  return (
    texts ^
    Math.imul(event, EVENT_FACTOR) ^
    Math.imul(Math.floor(event / 2 ** 32), EVENT_HIGH_FACTOR) ^
    Math.imul(priority, PRIORITY_FACTOR)
  )
}

/** Returns the checksum of an event that belongs to a single queue. */
export const onQueue = (checksum: number, queue: number): number => checksum ^ Math.imul(queue, QUEUE_FACTOR)
