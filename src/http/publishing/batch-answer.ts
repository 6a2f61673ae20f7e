import type { Published } from "../../publisher/publisher.ts"
import { type ProblemStatus, toProblem, toProblemError } from "../problem.ts"
import { responseHeaders } from "../response-headers.ts"
import { IDEMPOTENCY_REPLAYED } from "./keyed-requests.ts"
import { toReceipt } from "./receipt.ts"

/**
 * Total length of the problems of one response, in UTF-16 code units, after which each further problem lists
 * a single fault. With 1,000 events a response stays below 3 MiB, whatever the client sends.
 */
const MAX_PROBLEMS_LENGTH = 1_048_576

/** Builds the response to a batch one event at a time, so that no events have to be kept. */
export class BatchAnswer {
  readonly #requestId: string
  readonly #texts: string[] = []
  #problemsLength = 0
  #failed = 0
  #replayed = 0
  /** False if an event was stored that the first request had not stored. */
  #isReplay = true
  #firstFailure: ProblemStatus | null = null

  constructor(requestId: string) {
    this.#requestId = requestId
  }

  /** Adds the result of the next event. */
  add(result: PromiseSettledResult<Published>): void {
    if (result.status === "fulfilled") {
      if (result.value.replayed === true) this.#replayed++
      else this.#isReplay = false
    }
    this.#texts.push(
      result.status === "fulfilled" ? JSON.stringify(toReceipt(result.value)) : this.#failure(result.reason),
    )
  }

  /** Returns the response, after the results of all events were added. */
  response(): Response {
    const count = this.#texts.length - this.#failed
    const text = `{"count":${count},"failed":${this.#failed},"events":[${this.#texts.join(",")}]}`
    const headers = responseHeaders(this.#requestId, "application/json")
    if (this.#isReplay && this.#replayed > 0) headers[IDEMPOTENCY_REPLAYED] = "true"
    return new Response(text, { status: this.#statusOf(count), headers })
  }

  #failure(reason: unknown): string {
    const problem = toProblem(toProblemError(reason), this.#requestId)
    const isShort = this.#problemsLength > MAX_PROBLEMS_LENGTH && problem.errors !== undefined
    const shown = isShort ? { ...problem, errors: problem.errors.slice(0, 1) } : problem
    const text = JSON.stringify({ index: this.#texts.length, status: "failed", problem: shown })
    this.#problemsLength += text.length
    this.#failed++
    this.#firstFailure ??= problem.status
    return text
  }

  #statusOf(count: number): 201 | 207 | ProblemStatus {
    if (this.#firstFailure === null) return 201
    return count > 0 ? 207 : this.#firstFailure
  }
}
