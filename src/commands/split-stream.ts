/** The parts of an answer's text between separators, as it comes; what no separator has ended is left out. */
export async function* splitStream(response: Response, separator: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(separator)
    rest = parts.pop() ?? ""
    yield* parts
  }
}
