import type { StoredBody } from "../engine/engine.ts"
import { isWithin, type RoutingSpace } from "../event/routing-space.ts"
import { compileTopic, type TopicMatcher } from "../event/topic.ts"

/** Who is sent events as they come. Its methods must neither throw nor wait. */
export interface LiveClient {
  /** Sends so many events, written as one text; or counts them as missed, where the client has no room for them. */
  send(text: Uint8Array, count: number): void
  /** It is not sent so many events; null where nobody knows how many. */
  miss(count: number | null): void
}

/** How events are written. */
export interface LiveFormat {
  readonly name: string
  /** Null leaves the event out. */
  readonly write: (event: StoredBody) => string | null
}

/** What a client wants to see, and how. */
export interface LiveTopics {
  /** Topic patterns; an event is sent once, however many of them match. */
  readonly patterns: readonly string[]
  /** The routing keys that the client may see, whatever its patterns match. Null: all. */
  readonly within: RoutingSpace | null
  readonly format: LiveFormat
}

/** Names what a client wants and may see: clients with the same name can share an audience, and no others. */
export const nameOf = ({ patterns, within, format }: LiveTopics): string =>
  JSON.stringify([format.name, within?.toSorted() ?? null, [...new Set(patterns)].toSorted()])

/** The clients that want to see the same: what they are sent is written once. */
export class Audience {
  readonly #matchers: readonly TopicMatcher[]
  readonly #within: RoutingSpace | null
  readonly format: LiveFormat
  readonly #clients = new Set<LiveClient>()
  #pending: string[] = []
  #pendingBytes = 0
  #missed = 0

  constructor({ patterns, within, format }: LiveTopics) {
    this.#matchers = patterns.map(compileTopic)
    this.#within = within
    this.format = format
  }

  get size(): number {
    return this.#clients.size
  }

  /** Whether something waits to be delivered. */
  get hasNews(): boolean {
    return this.#pending.length > 0
  }

  isFor(routingKey: string): boolean {
    if (this.#within !== null && !isWithin(this.#within, routingKey)) return false
    return this.#matchers.some((matches) => matches(routingKey))
  }

  join(client: LiveClient): void {
    this.#clients.add(client)
  }

  /** False where it has left before. */
  leave(client: LiveClient): boolean {
    return this.#clients.delete(client)
  }

  /** Whether there is room for another event; one is taken whatever its size. */
  hasRoom(maxBytes: number): boolean {
    return this.#pendingBytes < maxBytes
  }

  add(text: string): void {
    this.#pending.push(text)
    this.#pendingBytes += text.length
  }

  /** An event for which there was no room. */
  skip(): void {
    this.#missed++
  }

  /** Sends what has come since the last time. Returns how many bytes all clients were sent together. */
  deliver(): number {
    const [count, skipped] = [this.#pending.length, this.#missed]
    const text = new TextEncoder().encode(this.#pending.join(""))
    this.#pending = []
    this.#pendingBytes = 0
    this.#missed = 0
    for (const client of this.#clients) {
      client.send(text, count)
      if (skipped > 0) client.miss(skipped)
    }
    return text.length * this.#clients.size
  }

  tellOfGap(): void {
    for (const client of this.#clients) client.miss(null)
  }
}
