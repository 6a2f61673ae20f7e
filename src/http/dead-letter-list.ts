import type { DeadLetter, DeadLetterPage, DeadLetterSelection } from "../engine/dead-letter.ts"
import type { Engine } from "../engine/engine.ts"
import { parseJsonText } from "../event/json-text.ts"
import type { LoopTurns } from "./loop-turns.ts"

/**
 * Total length of bodies after which a response ends with a cursor, in UTF-16 code units: enough for 1,000
 * ordinary dead letters. The last page may exceed it by its own length.
 */
const MAX_ANSWER_LENGTH = 8_388_608

/** Longest response that is sent in one piece, with Content-Length. */
const MAX_WHOLE_LENGTH = 65_536

/** Length of the pieces of a streamed response. */
const CHUNK_LENGTH = 65_536

export interface DeadLetterListOptions {
  readonly engine: Engine
  readonly queue: string
  readonly selection: DeadLetterSelection & { readonly limit: number }
  readonly cursor: string | undefined
  readonly turns: LoopTurns
}

/** Lists dead letters. Reads them from the engine page by page while the response is sent. */
export class DeadLetterList {
  readonly #options: DeadLetterListOptions
  readonly #first: DeadLetterPage

  /** Reads the first page, so that errors are known before the response begins. */
  static async begin(options: DeadLetterListOptions): Promise<DeadLetterList> {
    const { engine, queue, selection, cursor, turns } = options
    // A page of large letters fills its turn, so the first text waits for the next one.
    await turns.next()
    return new DeadLetterList(options, await engine.deadLetters(queue, selection, cursor))
  }

  private constructor(options: DeadLetterListOptions, first: DeadLetterPage) {
    this.#options = options
    this.#first = first
  }

  /** Returns the whole response as text, or null if it is too long. */
  whole(): string | null {
    const { queue, selection } = this.#options
    const { letters, cursor } = this.#first
    if (cursor !== null && letters.length < selection.limit) return null
    if (lengthOf(letters) > MAX_WHOLE_LENGTH) return null
    const texts = letters.map((letter) => textOf(queue, letter))
    return `{"count":${letters.length},"dead_letters":[${texts.join(",")}],"cursor":${JSON.stringify(cursor)}}`
  }

  /** Yields the response in pieces, each made after the previous one was taken. */
  async *texts(): AsyncGenerator<string, void> {
    const { engine, queue, selection, turns } = this.#options
    let page = this.#first
    let count = 0
    let length = 0
    let text = '{"dead_letters":['
    while (true) {
      for (const letter of page.letters) {
        await turns.next()
        text += (count++ === 0 ? "" : ",") + textOf(queue, letter)
        if (text.length < CHUNK_LENGTH) continue
        yield text
        text = ""
      }
      length += lengthOf(page.letters)
      const limit = selection.limit - count
      if (page.cursor === null || limit <= 0 || length >= MAX_ANSWER_LENGTH) break
      await turns.next()
      page = await engine.deadLetters(queue, { ...selection, limit }, page.cursor)
    }
    yield `${text}],"count":${count},"cursor":${JSON.stringify(page.cursor)}}`
  }
}

const lengthOf = (letters: readonly DeadLetter[]): number =>
  letters.reduce((sum, { body }) => sum + body.length, 0)

/**
 * Returns a dead letter as JSON. Copies the stored event, because parsing and serializing it takes twice as
 * long.
 */
function textOf(queue: string, letter: DeadLetter): string {
  const { failure } = letter
  const rest = JSON.stringify({
    reason: failure.reason,
    attempts: failure.attempts,
    first_failed_at: toSeconds(failure.firstFailedAt),
    last_failed_at: toSeconds(failure.lastFailedAt),
    error: failure.error,
    module: failure.module,
  })
  return `{"queue":${JSON.stringify(queue)},${contentOf(letter)},${rest.slice(1)}`
}

/** The members that hold the message. Bytes that are not text are never shown as an event. */
function contentOf({ body, bytes }: DeadLetter): string {
  if (bytes !== undefined) {
    return `"body_base64":${JSON.stringify(Buffer.from(bytes).toString("base64"))},"body_bytes":${bytes.length}`
  }
  return isJson(body) ? `"event":${body}` : `"body":${JSON.stringify(body)}`
}

function isJson(body: string): boolean {
  try {
    parseJsonText(body, "The event")
    return true
  } catch {
    // A message of another program that is not JSON, or JSON that clients can't read.
    return false
  }
}

const toSeconds = (ms: number): number | null => (ms > 0 ? ms / 1_000 : null)
