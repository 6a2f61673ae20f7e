import { decodeJson } from "./json.ts"
import { ProblemError } from "./problem.ts"

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
   * Reads it as JSON.
   * @throws {ProblemError} `unsupported-media-type`; `payload-too-large` and `too-many-in-flight`, before it is read
   * whole; `request-timeout`; or `malformed-json`.
   */
  async json(maxBytes: number): Promise<unknown> {
    requireJson(this.#request.headers)
    return decodeJson(await this.#inTime(this.#read(maxBytes)))
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
    return Buffer.concat(chunks)
  }

  #take(bytes: number): void {
    this.#limits.budget.take(bytes)
    this.#taken += bytes
  }

  #inTime(reading: Promise<Uint8Array>): Promise<Uint8Array> {
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

function requireJson(headers: Headers): void {
  const mediaType = headers.get("content-type")
  if (
    mediaType !== "application/json" &&
    mediaType?.split(";")[0]?.trim().toLowerCase() !== "application/json"
  ) {
    const given = mediaType === null ? "There is no Content-Type." : `${mediaType} is not taken here.`
    throw unsupported(`${given} Send Content-Type: application/json.`)
  }
  const encoding = headers.get("content-encoding")
  if (encoding !== null && encoding !== "identity") {
    throw unsupported(`The body is encoded as ${encoding}: send it as it is.`)
  }
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError("unsupported-media-type", detail, { outcome: "not-stored" })

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
