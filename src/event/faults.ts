import type { Fault } from "./errors.ts"

/** Faults that are listed of one input. A person who corrects the input sees the pattern; the rest is counted. */
const MAX_FAULTS = 100

/** Longest pointer and message, in UTF-16 code units. Both may quote what the client sent. */
const MAX_POINTER_LENGTH = 256
const MAX_MESSAGE_LENGTH = 512

/** Most that the pointers and messages of one input have together: room for 100 faults of usual length. */
const MAX_LISTED_LENGTH = 16_384

/** Stands where a text was cut. */
const ELLIPSIS = "…"

/** Collects the faults of one input. It keeps the first and counts the others, so no input makes a large answer. */
export class FaultList {
  readonly #faults: Fault[] = []
  #count = 0
  #length = 0

  /** How many were added. */
  get count(): number {
    return this.#count
  }

  /** The first of them, each cut to its longest length. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  add(pointer: string, message: string): void {
    if (++this.#count > MAX_FAULTS || this.#length >= MAX_LISTED_LENGTH) return
    const fault = { pointer: cut(pointer, MAX_POINTER_LENGTH), message: cut(message, MAX_MESSAGE_LENGTH) }
    this.#length += fault.pointer.length + fault.message.length
    this.#faults.push(fault)
  }

  /** Counts faults that are not listed. */
  skip(count: number): void {
    this.#count += count
  }
}

/** Returns the first faults, each cut to its longest length. */
export function boundFaults(faults: Iterable<Fault>): readonly Fault[] {
  const list = new FaultList()
  for (const { pointer, message } of faults) list.add(pointer, message)
  return list.faults
}

/** Returns the text, cut if it is longer than so many UTF-16 code units. */
export const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : text.slice(0, maxLength).toWellFormed() + ELLIPSIS
