/** Yields the parts of an answer's text between separators, as they arrive. Leaves out a last part without a separator. */
export async function* splitStream(response: Response, separator: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(separator)
    rest = parts.pop() ?? ""
    yield* parts
  }
}
