import type { StoredBody } from "../engine/engine.ts"
import { isWithin, type RoutingSpace } from "../event/routing-space.ts"

/** A client that is sent events as they come. Its methods must neither throw nor wait. */
export interface LiveClient {
  /** Sends `count` events, written as one text, or counts them as missed if the client has no room for them. */
  send(text: Uint8Array, count: number): void
  /** Counts events that the client is not sent; null if the number is unknown. */
  miss(count: number | null): void
}

/** How events are written. */
export interface LiveFormat {
  readonly name: string
  /** Returns null for what is no event. Throws if the event can't be written; the clients then miss it. */
  readonly write: (event: StoredBody) => string | null
}

/** What a client wants to see, and how. */
export interface LiveTopics {
  /** Topic patterns. An event is sent once, however many of them match. */
  readonly patterns: readonly string[]
  /** The routing keys that the client may see, whatever its patterns match. Null: all. */
  readonly within: RoutingSpace | null
  readonly format: LiveFormat
}

/** The same for all topics that show the same events in the same form; clients share an audience by it. */
export const audienceKey = ({ patterns, within, format }: LiveTopics): string =>
  JSON.stringify([format.name, within?.toSorted() ?? null, [...new Set(patterns)].toSorted()])

/** The clients that want to see the same. What they are sent is written once. */
export class Audience {
  readonly key: string
  readonly patterns: readonly string[]
  readonly #within: RoutingSpace | null
  readonly format: LiveFormat
  readonly #clients = new Set<LiveClient>()
  #pending: string[] = []
  #pendingBytes = 0
  #missed = 0

  constructor(topics: LiveTopics) {
    this.key = audienceKey(topics)
    this.patterns = [...new Set(topics.patterns)]
    this.#within = topics.within
    this.format = topics.format
  }

  get size(): number {
    return this.#clients.size
  }

  /** Whether its clients may see events with this routing key. That a pattern matches it was found before. */
  maySee(routingKey: string): boolean {
    return this.#within === null || isWithin(this.#within, routingKey)
  }

  join(client: LiveClient): void {
    this.#clients.add(client)
  }

  /** False if the client has left before. */
  leave(client: LiveClient): boolean {
    return this.#clients.delete(client)
  }

  /** Whether there is room for another event. One is taken whatever its size. */
  hasRoom(maxBytes: number): boolean {
    return this.#pendingBytes < maxBytes
  }

  add(text: string): void {
    this.#pending.push(text)
    this.#pendingBytes += text.length
  }

  /** Counts an event that is not sent: there is no room for it, or it can't be written. */
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
      if (count > 0) client.send(text, count)
      if (skipped > 0) client.miss(skipped)
    }
    return text.length * this.#clients.size
  }

  tellOfGap(): void {
    for (const client of this.#clients) client.miss(null)
  }
}
