/** A response as received on a socket. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface AnswerOptions {
  /** True if the request was HEAD, whose response has no body, whatever its Content-Length says. */
  readonly isHead: boolean
}

/**
 * Parses complete responses. A chunked one counts as complete after its head, because streams have no end.
 */
export function readAnswers(text: string, { isHead }: AnswerOptions = { isHead: false }): readonly Answer[] {
  const answers: Answer[] = []
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n\r\n", at)
    if (end < 0) return answers
    const [line = "", ...lines] = text.slice(at, end).split("\r\n")
    const headers = new Map(
      lines.map((each) => [
        each.split(":")[0]?.toLowerCase() ?? "",
        each.slice(each.indexOf(":") + 1).trim(),
      ]),
    )
    const bodyAt = end + 4
    const length = isHead ? 0 : Number(headers.get("content-length") ?? 0)
    if (text.length - bodyAt < length) return answers
    answers.push({ status: Number(line.split(" ")[1]), headers, body: text.slice(bodyAt, bodyAt + length) })
    at = bodyAt + length
    if (headers.has("transfer-encoding") && !isHead) return answers
  }
}
