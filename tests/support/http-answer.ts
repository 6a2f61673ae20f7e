/** An answer as it came over a socket. */
export interface Answer {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface AnswerOptions {
  /** Whether the request was HEAD, whose answer has no body, whatever its Content-Length says. */
  readonly isHead: boolean
}

/** Reads the answers that are whole. A chunked one counts as whole at its head: streams have no end. */
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
