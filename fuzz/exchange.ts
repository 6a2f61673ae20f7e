/** How an exchange may end. */
export type Ending =
  /** With an answer to each request: what it asks is well-formed HTTP. */
  | "answered"
  /** With answers, or with the connection's end: it is not HTTP, or is pipelined, or the client leaves in the middle. */
  | "answered-or-closed"

/** What is sent on one connection. */
export interface Exchange {
  /** What is broken in it. */
  readonly kind: string
  /** The parts, each sent once the one before is on its way; a number is a wait in milliseconds, null the client's end. */
  readonly parts: readonly (string | Uint8Array | number | null)[]
  /** How many requests that is. */
  readonly requests: number
  readonly ending: Ending
  /** Whether the request is HEAD, whose answer has no body. */
  readonly isHead?: boolean
}

export const JSON_TYPE = "Content-Type: application/json"

/** An exchange of one request that is well-formed HTTP. */
export const one = (...parts: Exchange["parts"]): Omit<Exchange, "kind"> => ({
  parts,
  requests: 1,
  ending: "answered",
})

/** The head of a request. */
export const head = (method: string, path: string, headers: readonly string[] = []): string =>
  [`${method} ${path} HTTP/1.1`, "Host: fuzz", ...headers, "", ""].join("\r\n")

/** A request with a body of this length. */
export function post(
  path: string,
  body: string | Uint8Array,
  headers: readonly string[] = [JSON_TYPE],
): Uint8Array {
  const length = Buffer.byteLength(body)
  return Buffer.concat([
    Buffer.from(head("POST", path, [...headers, `Content-Length: ${length}`])),
    Buffer.from(body),
  ])
}
