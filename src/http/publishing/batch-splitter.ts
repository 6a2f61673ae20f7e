import { EventDraftSchema } from "../../event/envelope.ts"
import { EventInvalidError } from "../../event/errors.ts"
import { didYouMean } from "../../event/suggestion.ts"
import { escapePointer } from "../../event/validate.ts"
import { decodeJson, malformed } from "../json.ts"
import { isWhitespace, JSON_BYTE, JsonToken, unexpected } from "./json-token.ts"

/** An event of a batch as it was sent; null if it is larger than an event may be. */
export type BatchItem = Uint8Array | null

/** Form of a batch: `{"events": [...]}`, or the array itself. */
export type BatchShape = "object" | "array"

/** The next expected element, apart from whitespace. */
type Place =
  | "root"
  | "first key"
  | "key"
  | "colon"
  | "events"
  | "first item"
  | "item"
  | "after item"
  | "after events"
  | "end"

export interface BatchSplitterOptions {
  readonly shape: BatchShape
  /** Most events of a batch, and most bytes of one event. */
  readonly maxItems: number
  readonly maxItemBytes: number
}

/** The only field of a batch that is an object. */
const EVENTS = "events"

const ONE_EVENT_ADVICE = "send one event to /api/v1/events"

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Splits the body of a batch into its events while it arrives, without parsing the events. Checks everything
 * outside the events. Throws `malformed-json` for a body that can't be JSON, and `validation-failed` for one
 * that is not a batch.
 */
export class BatchSplitter {
  readonly #options: BatchSplitterOptions
  readonly #items: BatchItem[] = []
  #place: Place = "root"
  #token: JsonToken | null = null
  #size = 0
  #markSize = 0
  #hasEvents = false

  constructor(options: BatchSplitterOptions) {
    this.#options = options
  }

  /** @throws {ProblemError | EventInvalidError} as soon as the body can't be a batch any more. */
  push(chunk: Uint8Array): void {
    let at = this.#skipMark(chunk)
    while (at < chunk.length) {
      if (this.#token !== null) {
        at = this.#token.push(chunk, at)
        if (this.#token.hasEnded) this.#take(this.#token)
        continue
      }
      const byte = chunk[at] ?? 0
      if (isWhitespace(byte)) at++
      else if (this.#pass(byte, this.#size + at)) at++
      else this.#token = new JsonToken(byte, this.#size + at, this.#options.maxItemBytes)
    }
    this.#size += chunk.length
  }

  /**
   * Skips a byte order mark, which may begin a body. Returns the index in the chunk where the text continues.
   */
  #skipMark(chunk: Uint8Array): number {
    let at = 0
    while (
      at < chunk.length &&
      this.#markSize === this.#size + at &&
      chunk[at] === BYTE_ORDER_MARK[this.#markSize]
    ) {
      at++
      this.#markSize++
    }
    if (at < chunk.length && this.#markSize % BYTE_ORDER_MARK.length > 0)
      throw malformed("The body is not UTF-8.")
    return at
  }

  /**
   * Returns the events. @throws {ProblemError | EventInvalidError} if the body is incomplete or has no
   * events.
   */
  end(): readonly BatchItem[] {
    if (this.#size === 0) throw malformed("The body is empty.")
    if (this.#token?.isScalar) this.#take(this.#token)
    if (this.#place !== "end" || this.#token !== null) throw malformed("The body is incomplete JSON.")
    if (!this.#hasEvents) throw refusal("/events", "must be an array of events")
    if (this.#items.length === 0) throw this.#wrongCount("not 0")
    return this.#items
  }

  /** Consumes a byte between values. Returns false if a value begins here. */
  #pass(byte: number, at: number): boolean {
    const next = this.#placeAfter(byte)
    if (next === null) {
      const isValueExpected = !["colon", "after item", "after events", "end"].includes(this.#place)
      const isKeyExpected = this.#place === "first key" || this.#place === "key"
      if (!isValueExpected || (isKeyExpected && byte !== JSON_BYTE.quote)) {
        throw unexpected(byte, at)
      }
      return false
    }
    this.#place = next
    return true
  }

  #placeAfter(byte: number): Place | null {
    const { comma, colon, openBracket, closeBracket, openBrace, closeBrace } = JSON_BYTE
    const isObject = this.#options.shape === "object"
    switch (this.#place) {
      case "root":
        if (isObject) return byte === openBrace ? "first key" : null
        return byte === openBracket ? this.#beginEvents() : null
      case "first key":
        return byte === closeBrace ? "end" : null
      case "colon":
        return byte === colon ? "events" : null
      case "events":
        return byte === openBracket ? this.#beginEvents() : null
      case "first item":
        return byte === closeBracket ? this.#afterEvents() : null
      case "after item":
        if (byte === comma) return "item"
        return byte === closeBracket ? this.#afterEvents() : null
      case "after events":
        if (byte === comma) return "key"
        return byte === closeBrace ? "end" : null
      case "key":
      case "item":
      case "end":
        return null
    }
  }

  #beginEvents(): Place {
    if (this.#hasEvents) throw refusal("/events", "occurs twice")
    this.#hasEvents = true
    return "first item"
  }

  #afterEvents(): Place {
    return this.#options.shape === "object" ? "after events" : "end"
  }

  /** Uses a complete value according to its place. */
  #take(token: JsonToken): void {
    this.#token = null
    const { bytes } = token
    switch (this.#place) {
      case "first item":
      case "item":
        if (this.#items.length === this.#options.maxItems) throw this.#wrongCount("not more")
        this.#items.push(bytes)
        this.#place = "after item"
        break
      case "first key":
      case "key": {
        const key = bytes === null ? "" : decodeJson(bytes)
        if (key !== EVENTS) throw refusal(`/${escapePointer(String(key))}`, explainField(String(key)))
        this.#place = "colon"
        break
      }
      default:
        if (bytes !== null) decodeJson(bytes)
        throw this.#wrongShape()
    }
  }

  #wrongShape(): EventInvalidError {
    if (this.#place === "events") return refusal("/events", "must be an array of events")
    return this.#options.shape === "object"
      ? refusal("", 'must be an object with an array of events: {"events":[…]}')
      : refusal("", `must be an array of events; ${ONE_EVENT_ADVICE}`)
  }

  #wrongCount(what: string): EventInvalidError {
    const pointer = this.#options.shape === "object" ? "/events" : ""
    return refusal(pointer, `must have 1 to ${this.#options.maxItems} events, ${what}`)
  }
}

function explainField(key: string): string {
  if (Object.hasOwn(EventDraftSchema.entries, key)) {
    return `is a field of an event, not of a batch; ${ONE_EVENT_ADVICE}`
  }
  return `is not a field of a batch, which has only "${EVENTS}"${didYouMean(key, [EVENTS])}`
}

const refusal = (pointer: string, message: string): EventInvalidError =>
  new EventInvalidError([{ pointer, message }])
