import { decodeJson } from "./json.ts"
import { JSON_TYPE, requireIdentity, requireType } from "./media-type.ts"
import { ProblemError } from "./problem.ts"

const JSON_ALONE = [JSON_TYPE]

/** Bytes that the bodies of all requests may have at a time. What is beyond is refused, so that memory stays bounded. */
export class ByteBudget {
  readonly #bytes: number
  #taken = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** Bytes that are taken at this moment. */
  get taken(): number {
    return this.#taken
  }

  /** @throws {ProblemError} `too-many-in-flight` where there are not as many left. */
  take(bytes: number): void {
    if (this.#taken + bytes > this.#bytes) {
      throw new ProblemError("too-many-in-flight", "The requests in flight are too large, taken together.", {
        outcome: "not-stored",
        headers: { Connection: "close" },
      })
    }
    this.#taken += bytes
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes
  }

  /** Takes them until what is returned is disposed of. @throws {ProblemError} as `take` does. */
  hold(bytes: number): Disposable {
    this.take(bytes)
    return { [Symbol.dispose]: () => this.giveBack(bytes) }
  }
}

/** What bounds the bodies of requests, besides the size that each route allows. */
export interface BodyLimits {
  /** How long a body may take to arrive, in milliseconds. */
  readonly timeoutMs: number
  readonly budget: ByteBudget
}

/** The body of one request. What it takes of the budget is given back once the request is answered (`using`). */
export class RequestBody implements Disposable {
  readonly #request: Request
  readonly #limits: BodyLimits
  #taken = 0

  constructor(request: Request, limits: BodyLimits) {
    this.#request = request
    this.#limits = limits
  }

  /**
   * Reads it as JSON, of one of these media types; of `application/json`, if none is given.
   * @throws {ProblemError} `unsupported-media-type`; `payload-too-large` and `too-many-in-flight`, before it is read
   * whole; `request-timeout`; or `malformed-json`.
   */
  async json(maxBytes: number, mediaTypes: readonly string[] = JSON_ALONE): Promise<unknown> {
    requireType(this.#request.headers, mediaTypes)
    return decodeJson(await this.bytes(maxBytes))
  }

  /** Reads it as it is. @throws {ProblemError} as `json` does. */
  bytes(maxBytes: number): Promise<Uint8Array> {
    requireIdentity(this.#request.headers)
    return this.#inTime(this.#read(maxBytes))
  }

  /**
   * Reads it in chunks, each once it is asked for, whatever the size of all; none any more once the signal is aborted.
   * While it is read it counts as one of `maxBytes`.
   * @throws {ProblemError} `unsupported-media-type` and `too-many-in-flight` at once; `request-timeout` where no chunk
   * comes in time.
   */
  chunks(maxBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    requireIdentity(this.#request.headers)
    return this.#readInTime(this.#limits.budget.hold(maxBytes), signal)
  }

  [Symbol.dispose](): void {
    this.#limits.budget.giveBack(this.#taken)
  }

  #read(maxBytes: number): Promise<Uint8Array> {
    const declared = this.#request.headers.get("content-length")
    if (declared === null) return this.#readChunks(maxBytes)
    const length = Number(declared)
    if (length > maxBytes) throw tooLarge(maxBytes)
    this.#take(length)
    return this.#request.bytes()
  }

  async #readChunks(maxBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.#request.body ?? []) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      this.#take(chunk.length)
      chunks.push(chunk)
    }
    await this.#requireConnection()
    return Buffer.concat(chunks)
  }

  /**
   * Bun hands over a chunked body before it looks at what follows. It refuses trailers with a 400 of its own
   * (oven-sh/bun#32887) and closes the connection, which shows a turn later: what was refused must not be stored.
   */
  async #requireConnection(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (!this.#request.signal.aborted) return
    throw new ProblemError("malformed-request", "The connection ended with the body.", {
      outcome: "not-stored",
    })
  }

  async *#readInTime(held: Disposable, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    using _ = held
    const reader = this.#request.body?.getReader()
    if (reader === undefined) return
    const stop = (): void => void reader.cancel().catch(() => {})
    signal.addEventListener("abort", stop)
    try {
      while (!signal.aborted) {
        const { done, value } = await this.#inTime(reader.read())
        if (done) return
        yield value
      }
    } finally {
      signal.removeEventListener("abort", stop)
      stop()
    }
  }

  #take(bytes: number): void {
    this.#limits.budget.take(bytes)
    this.#taken += bytes
  }

  #inTime<Read>(reading: Promise<Read>): Promise<Read> {
    const { timeoutMs } = this.#limits
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(timeout(timeoutMs)), timeoutMs)
      const done =
        <Value>(settle: (value: Value) => void) =>
        (value: Value) => {
          clearTimeout(timer)
          settle(value)
        }
      reading.then(done(resolve), done(reject))
    })
  }
}

/** The rest of the body is on its way and will not be read: the connection can't be used again. */
const tooLarge = (maxBytes: number): ProblemError =>
  new ProblemError("payload-too-large", `The body is larger than ${maxBytes} bytes.`, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })

const timeout = (timeoutMs: number): ProblemError =>
  new ProblemError("request-timeout", `The body did not arrive within ${timeoutMs} ms.`, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })
