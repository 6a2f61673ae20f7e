import type { Answer } from "../tests/support/http-answer.ts"
import type { Outcome } from "./client.ts"
import type { Exchange } from "./exchange.ts"

const PROBLEM_FIELDS = ["type", "title", "status", "detail", "instance", "retryable"]

/** What was wrong with how an exchange went; null where nothing was. */
export function faultOf(exchange: Exchange, { answers, end }: Outcome): string | null {
  if (end === "silent") return "hangs"
  const isWellFormed = exchange.ending === "answered"
  for (const answer of answers) {
    const fault = faultOfAnswer(answer, isWellFormed, exchange.isHead ?? false)
    if (fault !== null) return fault
  }
  // After an answer that ends the connection, nothing more is owed.
  const isClosedByAnswer = answers.at(-1)?.headers.get("connection") === "close"
  if (isWellFormed && !isClosedByAnswer && answers.length < exchange.requests) return "has no answer"
  return null
}

function faultOfAnswer(
  { status, headers, body }: Answer,
  isWellFormed: boolean,
  isHead: boolean,
): string | null {
  // The server's parser refuses what is not HTTP without words, and a version that does not exist with 505.
  if (!isWellFormed && body === "") return null
  if (status >= 500 || Number.isNaN(status)) return `is answered ${status}`
  // Where no event of a batch is stored, its result has a problem for each.
  if (status < 400 || body.startsWith('{"count":0,"failed":')) return null
  if (headers.get("content-type") !== "application/problem+json")
    return `is answered ${status} without a problem`
  if (!headers.has("x-request-id")) return `is answered ${status} without its id`
  if (isHead) return body === "" ? null : `is answered ${status} with a body`
  try {
    const problem: unknown = JSON.parse(body)
    const isWhole =
      typeof problem === "object" && problem !== null && PROBLEM_FIELDS.every((field) => field in problem)
    return isWhole ? null : `is answered ${status} with half a problem`
  } catch {
    return `is answered ${status} with something that is not JSON`
  }
}

/** Memory of the second half may be so much more than that of the first, in which all gets warm. */
const MEMORY_GROWTH = 1.2

/** Resident memory at even distances, in MiB. */
export function memoryIsFlat(samples: readonly number[]): boolean {
  const half = Math.ceil(samples.length / 2)
  return Math.max(...samples.slice(half)) <= MEMORY_GROWTH * Math.max(...samples.slice(0, half))
}
