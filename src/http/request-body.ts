import { nextTurn } from "../system/next-turn.ts"
import { type BodyLimits, READ_AT_ONCE_BYTES, requireRoom, takeNew } from "./body-limits.ts"
import { BodyUpload } from "./body-upload.ts"
import { decodeJson } from "./json.ts"
import { JSON_TYPE, requirePlainText, requireType } from "./media-type.ts"
import { ProblemError } from "./problem.ts"
import { Account, type WhoTakes } from "./shared-budget.ts"
import { bodyTimeout, inTime } from "./time-limit.ts"

const JSON_ALONE = [JSON_TYPE]

/** Subject of messages about the byte budget. */
const BUFFERED = "The bodies in flight"

/**
 * Most bodies that wait for their turn while they arrive. Bun holds up to 1.5 MB of each outside every
 * budget.
 */
const MAX_WAITING_BODIES = 16

/**
 * The body of one request. Its bytes count for the budget as they arrive, whatever length was declared, until
 * the request is answered (`using`).
 */
export class RequestBody implements Disposable {
  readonly #request: Request
  readonly #limits: BodyLimits
  readonly #bytes: Account
  readonly #who: WhoTakes

  /** @param who the client that is charged for the body */
  constructor(request: Request, limits: BodyLimits, who: WhoTakes) {
    this.#request = request
    this.#limits = limits
    this.#bytes = new Account(limits.bytes, who)
    this.#who = who
  }

  /**
   * Reads the body as JSON with one of these media types. Default: `application/json`.
   * @param onBytes gets the body before it is parsed
   * @throws {ProblemError} `unsupported-media-type`; `payload-too-large` and `too-many-in-flight`, before the
   * whole body is read; `request-timeout`; or `malformed-json`.
   */
  async json(
    maxBytes: number,
    mediaTypes: readonly string[] = JSON_ALONE,
    onBytes?: (bytes: Uint8Array) => void,
  ): Promise<unknown> {
    requireType(this.#request.headers, mediaTypes)
    const bytes = await this.bytes(maxBytes)
    onBytes?.(bytes)
    if (bytes.length > READ_AT_ONCE_BYTES) await this.#limits.turns.next()
    return decodeJson(bytes)
  }

  /** Reads the raw body. @throws {ProblemError} as `json` does, except `malformed-json`. */
  bytes(maxBytes: number): Promise<Uint8Array> {
    const length = this.#declaredLength(maxBytes)
    return length !== null && length <= READ_AT_ONCE_BYTES ? this.#readAtOnce() : this.#collect(maxBytes)
  }

  async #collect(maxBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.chunks(maxBytes)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /**
   * Yields the body in chunks, which all count for the budget until the request is answered.
   * @throws {ProblemError} as `bytes` does, at any chunk.
   */
  async *chunks(maxBytes: number): AsyncGenerator<Uint8Array, void> {
    const length = this.#declaredLength(maxBytes)
    if (length !== null && length <= READ_AT_ONCE_BYTES) {
      yield await this.#readAtOnce()
      return
    }
    using _ = this.#arriving()
    const { timeoutMs, turns } = this.#limits
    const endsAt = performance.now() + timeoutMs
    const reader = this.#request.body?.getReader()
    let size = 0
    try {
      while (reader !== undefined) {
        const read = inTime(reader.read(), endsAt - performance.now(), () => bodyTimeout(timeoutMs))
        const { done, value } = await read
        if (done) break
        size += value.length
        if (size > maxBytes) throw tooLarge(maxBytes)
        requireRoom(this.#bytes.take(value.length), this.#who, BUFFERED)
        yield value
        // Large bodies arrive one part per turn: while a sender waits, its bytes stay in the socket.
        if (turns.waiting < MAX_WAITING_BODIES) await turns.next()
      }
      if (length === null) await this.#requireConnection()
    } finally {
      // Cancelling fails harmlessly if the body was read to its end or its client disconnected.
      reader?.cancel().catch(() => {})
    }
  }

  /**
   * Starts to read the body as an upload without a known end. It ends when the signal aborts.
   * @throws {ProblemError} `unsupported-media-type` or `too-many-in-flight`.
   */
  upload(signal: AbortSignal): BodyUpload {
    requirePlainText(this.#request.headers)
    return new BodyUpload(this.#request, this.#limits, this.#who, signal)
  }

  /**
   * Bun delivers a chunked body before it parses the trailers. It rejects trailers with its own 400
   * (oven-sh/bun#32887) and closes the connection, which is visible one turn later. Waiting for it keeps a
   * rejected event from being stored.
   */
  async #requireConnection(): Promise<void> {
    await nextTurn()
    if (!this.#request.signal.aborted) return
    throw new ProblemError("malformed-request", "The connection ended with the body.", {
      outcome: "not-stored",
    })
  }

  [Symbol.dispose](): void {
    this.#bytes[Symbol.dispose]()
  }

  async #readAtOnce(): Promise<Uint8Array> {
    const { timeoutMs } = this.#limits
    using _ = this.#arriving()
    const bytes = await inTime(this.#request.bytes(), timeoutMs, () => bodyTimeout(timeoutMs))
    requireRoom(this.#bytes.take(bytes.length), this.#who, BUFFERED)
    return bytes
  }

  #arriving(): Account {
    return takeNew(this.#limits.arriving, this.#who, 1, "The bodies that are still arriving")
  }

  /**
   * Returns the declared length, or null if there is none. @throws {ProblemError} for a body that is encoded,
   * in another charset, or too large.
   */
  #declaredLength(maxBytes: number): number | null {
    requirePlainText(this.#request.headers)
    const declared = this.#request.headers.get("content-length")
    if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes)
    return declared === null ? null : Number(declared)
  }
}

/** The rest of the body is still arriving and will not be read, so the connection can't be reused. */
const tooLarge = (maxBytes: number): ProblemError =>
  new ProblemError("payload-too-large", `The body is larger than ${maxBytes} bytes.`, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })
