import { expect } from "bun:test"

export interface ReceivedProblem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly retryable: boolean
  readonly outcome?: string
  readonly errors?: readonly {
    readonly pointer?: string
    readonly parameter?: string
    readonly message: string
  }[]
}

/** Reads a response that must be a problem document of this kind, and checks its common members. */
export async function problemOf(response: Response, slug: string, status: number): Promise<ReceivedProblem> {
  const problem = (await response.json()) as ReceivedProblem
  expect(problem.type).toBe(`urn:event-broker:problem:${slug}`)
  expect(response.status).toBe(status)
  expect(problem.status).toBe(status)
  expect(response.headers.get("content-type")).toBe("application/problem+json")
  expect(problem.instance).toBe(response.headers.get("x-request-id") ?? "no X-Request-Id")
  expect(problem.title.length).toBeGreaterThan(0)
  expect(problem.detail.length).toBeGreaterThan(0)
  expect(response.headers.has("retry-after")).toBe(problem.retryable)
  return problem
}
