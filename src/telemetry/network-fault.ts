import { reasonOf } from "../system/reason-of.ts"

const NOT_HTTP = "the program that listens there does not speak HTTP"

const REFUSED = "ECONNREFUSED"
const LOST = "ECONNRESET"

/** Meanings of the errors of a connection. Bun's own messages ask a developer about a typo. */
const MEANINGS: Readonly<Record<string, string>> = {
  [REFUSED]: "nothing listens there",
  ENOTFOUND: "there is no host of this name",
  EAI_AGAIN: "the name can't be looked up at this moment",
  [LOST]: "the connection was closed before the answer was complete",
  EPROTO: "the program that listens there does not speak TLS",
  InvalidHTTPResponse: NOT_HTTP,
  Malformed_HTTP_Response: NOT_HTTP,
  ETIMEDOUT: "nothing answers there",
  EHOSTUNREACH: "no network leads to this host",
  ENETUNREACH: "no network leads to this host",
}

/** Questions in Bun's messages that no reader can answer. */
const QUESTIONS = /\s*(Was there a typo in the url or port|Is the computer able to access the url)\?/gi

/** Returns true for an error of a connection. */
export const isNetworkFault = (error: unknown): boolean => MEANINGS[codeOf(error) ?? ""] !== undefined

/** Returns true if nothing listens at the address of a request. */
export const isRefusal = (error: unknown): boolean => codeOf(error) === REFUSED

/** Returns true if a connection ended after it had been made: the request may have arrived. */
export const isConnectionLoss = (error: unknown): boolean => codeOf(error) === LOST

function codeOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null
  return typeof code === "string" ? code : null
}

/** Explains in a few words why a request over the network failed: `nothing listens there (ECONNREFUSED)`. */
export function explainNetworkFault(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time"
  const code = codeOf(error)
  const meaning = code === null ? undefined : MEANINGS[code]
  if (meaning !== undefined) return `${meaning} (${code})`
  const message = reasonOf(error)
  return message.replace(QUESTIONS, "").trim() || (code ?? "no reason is known")
}
