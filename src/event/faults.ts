/** One fault of an input: its place, as an RFC 6901 JSON pointer, and what is wrong. */
export interface Fault {
  readonly pointer: string
  readonly message: string
}

/** A fault as a problem document lists it: of a body by its pointer, or of a parameter by its name. */
export interface ListedFault {
  readonly pointer?: string
  readonly parameter?: string
  readonly message: string
}

/** Writes a fault in words: with its place, or without if it is about the input as a whole. */
export const describeFault = ({ pointer, parameter, message }: ListedFault): string =>
  [pointer || parameter, message].filter(Boolean).join(" ")

/** Most faults listed for one input. They show the pattern to whoever corrects it; the rest is counted. */
const MAX_FAULTS = 100

/** Longest pointer and message, in UTF-16 code units. Both may quote what the client sent. */
const MAX_POINTER_LENGTH = 256
const MAX_MESSAGE_LENGTH = 512

/** Longest total of all pointers and messages of one input: room for 100 faults of usual length. */
const MAX_LISTED_LENGTH = 16_384

/** Marks the end of a text that was cut. */
const ELLIPSIS = "…"

/**
 * Collects the faults of one input. Lists the first and counts the rest, so no input produces a large
 * response.
 */
export class FaultList {
  readonly #faults: Fault[] = []
  #count = 0
  #length = 0

  /** Number of faults that were added or skipped. */
  get count(): number {
    return this.#count
  }

  /** The first faults, each cut to the maximum length. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  add(pointer: string, message: string): void {
    if (++this.#count > MAX_FAULTS || this.#length >= MAX_LISTED_LENGTH) return
    const fault = { pointer: cut(pointer, MAX_POINTER_LENGTH), message: cut(message, MAX_MESSAGE_LENGTH) }
    this.#length += fault.pointer.length + fault.message.length
    this.#faults.push(fault)
  }

  /** Adds faults to the count without listing them. */
  skip(count: number): void {
    this.#count += count
  }
}

/** Returns the first faults, each cut to the maximum length. */
export function boundFaults(faults: Iterable<Fault>): readonly Fault[] {
  const list = new FaultList()
  for (const { pointer, message } of faults) list.add(pointer, message)
  return list.faults
}

/** Returns the text, cut to at most `maxLength` UTF-16 code units plus an ellipsis. */
export const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : text.slice(0, maxLength).toWellFormed() + ELLIPSIS
