import type { StoredBody } from "../engine/engine.ts"
import { isWithin, type RoutingSpace } from "../event/routing-space.ts"

/** A client that receives events as they are stored. Its methods must neither throw nor wait. */
export interface LiveClient {
  /**
   * Sends `count` events, written as one text, or counts them as missed if the client has no room for them.
   */
  send(text: Uint8Array, count: number): void
  /** Counts events that the client does not receive; null if the number is unknown. */
  miss(count: number | null): void
}

/** Writes events in one format. */
export interface LiveFormat {
  readonly name: string
  /**
   * Returns null if the message is not an event. Throws if the event can't be written; the clients then miss
   * it.
   */
  readonly write: (event: StoredBody) => string | null
}

/** The topics and the format that a client wants. */
export interface LiveTopics {
  /** Topic patterns. An event is sent once, however many of them match. */
  readonly patterns: readonly string[]
  /** The routing keys that the client may see, whatever its patterns match. Null: all. */
  readonly within: RoutingSpace | null
  readonly format: LiveFormat
}

/**
 * Returns the same key for topics that show the same events in the same format; their clients share an
 * audience.
 */
export const audienceKey = ({ patterns, within, format }: LiveTopics): string =>
  JSON.stringify([format.name, within?.toSorted() ?? null, [...new Set(patterns)].toSorted()])

/** Clients that want the same events. Each event is written once for all of them. */
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

  /**
   * Returns whether its clients may see events with this routing key. The pattern has been matched before.
   */
  maySee(routingKey: string): boolean {
    return this.#within === null || isWithin(this.#within, routingKey)
  }

  join(client: LiveClient): void {
    this.#clients.add(client)
  }

  /** Returns false if the client has already left. */
  leave(client: LiveClient): boolean {
    return this.#clients.delete(client)
  }

  /** Returns whether there is room for another event. A first event is accepted whatever its size. */
  hasRoom(maxBytes: number): boolean {
    return this.#pendingBytes < maxBytes
  }

  add(text: string): void {
    this.#pending.push(text)
    this.#pendingBytes += text.length
  }

  /** Counts an event that is not sent, because there is no room for it or it can't be written. */
  skip(): void {
    this.#missed++
  }

  /** Sends everything since the last call. Returns the total number of bytes sent to all clients. */
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
