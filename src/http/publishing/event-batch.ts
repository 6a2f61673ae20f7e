import type { Fingerprint } from "../../publisher/deduplication.ts"
import type { Published } from "../../publisher/publisher.ts"
import { decodeJson } from "../json.ts"
import type { LoopTurns } from "../loop-turns.ts"
import { ProblemError } from "../problem.ts"
import type { BatchItem, BatchSplitter } from "./batch-splitter.ts"

/**
 * Bytes of a batch whose events are kept in parsed form. Parsed JSON takes up to 25 times its size, so later
 * events are parsed once to check that all are JSON, and again when they are published.
 */
const PARSED_BYTES = 1_048_576

/**
 * Bytes of a batch in one piece of work, or one larger event. A piece takes some milliseconds, so that 1,000
 * small events are published in one or two turns of the event loop, and the embedded engine stores them in as
 * many commits.
 */
const PIECE_BYTES = 65_536

/** Bytes of a batch passed to the engine before the batch waits for their confirms. */
const SLICE_BYTES = 1_048_576

/**
 * Splits a batch into its events. Takes a complete body, because Bun holds up to 1.5 MB, outside every
 * budget, of a body that waits unread for its turn.
 * @param fingerprint gets all of the body; null if nobody asks for its fingerprint
 * @throws {ProblemError | EventInvalidError} as the splitter does.
 */
export async function splitBatch(
  chunks: readonly Uint8Array[],
  splitter: BatchSplitter,
  turns: LoopTurns,
  fingerprint: Fingerprint | null,
): Promise<readonly BatchItem[]> {
  for (const chunk of chunks) {
    const turn = turns.next()
    if (turn !== null) await turn
    splitter.push(chunk)
    fingerprint?.update(chunk)
  }
  return splitter.end()
}

/** Publishes an event, of which it gets the position in the batch. */
type Publish = (input: unknown, index: number) => Promise<Published>

/** The events of one batch, processed in pieces so that other requests get their turns in between. */
export class EventBatch {
  readonly #items: readonly BatchItem[]
  readonly #maxItemBytes: number
  readonly #turns: LoopTurns
  /** The parsed values of the first events. */
  readonly #parsed: unknown[] = []

  /** @param maxItemBytes the largest size of an event, for the problem of a larger one */
  constructor(items: readonly BatchItem[], maxItemBytes: number, turns: LoopTurns) {
    this.#items = items
    this.#maxItemBytes = maxItemBytes
    this.#turns = turns
  }

  /** Parses all events. @throws {ProblemError} `malformed-json` for the first that is not JSON. */
  async parse(): Promise<void> {
    let bytes = 0
    for await (const { from, to } of this.#pieces()) {
      for (let index = from; index < to; index++) {
        const item = this.#items[index] ?? null
        if (item === null) continue
        bytes += item.length
        const value = decodeJson(item, `Event ${index}`)
        if (bytes <= PARSED_BYTES) this.#parsed[index] = value
      }
    }
  }

  /** Publishes all events, and reports their results in order. */
  async publish(
    publish: Publish,
    onResult: (result: PromiseSettledResult<Published>) => void,
  ): Promise<void> {
    let slice: Promise<readonly PromiseSettledResult<Published>[]>[] = []
    let sliceBytes = 0
    const conclude = async (): Promise<void> => {
      for (const results of await Promise.all(slice)) for (const result of results) onResult(result)
      slice = []
      sliceBytes = 0
    }
    for await (const { from, to, bytes } of this.#pieces()) {
      const items = this.#items.slice(from, to)
      slice.push(Promise.allSettled(items.map((item, at) => this.#publish(publish, from + at, item))))
      sliceBytes += bytes
      if (sliceBytes >= SLICE_BYTES) await conclude()
    }
    await conclude()
  }

  #publish(publish: Publish, index: number, item: BatchItem): Promise<Published> {
    if (item === null) return Promise.reject(this.#tooLarge())
    return publish(index in this.#parsed ? this.#parsed[index] : decodeJson(item), index)
  }

  /** Yields the pieces of the batch, each when its turn comes. */
  async *#pieces(): AsyncGenerator<{ readonly from: number; readonly to: number; readonly bytes: number }> {
    for (let from = 0; from < this.#items.length; ) {
      let to = from
      let bytes = 0
      do bytes += this.#items[to++]?.length ?? 0
      while (to < this.#items.length && bytes + (this.#items[to]?.length ?? 0) <= PIECE_BYTES)
      await this.#turns.next()
      yield { from, to, bytes }
      from = to
    }
  }

  #tooLarge(): ProblemError {
    const detail = `The event is larger than ${this.#maxItemBytes} bytes.`
    return new ProblemError("payload-too-large", detail, { outcome: "not-stored" })
  }
}
