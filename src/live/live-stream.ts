import type { Engine, StoredBody } from "../engine/engine.ts"
import { TopicTree } from "../event/topic-tree.ts"
import { Audience, audienceKey, type LiveClient, type LiveFormat, type LiveTopics } from "./audience.ts"

/**
 * Most distinct words in the topics of all clients: a thousand clients with a hundred different words
 * each. A key that matches all of them, which takes topics made for the purpose, is matched in about 20
 * milliseconds.
 */
const MAX_TOPIC_WORDS = 100_000

/**
 * Most distinct words far behind a `#`; `#.a.#.b` has one. A key of 128 words can visit each of them 128
 * times, in about 10 milliseconds.
 */
const MAX_COSTLY_TOPIC_WORDS = 2_000

/**
 * Most bytes per second sent to all clients together. Clients miss what exceeds it, and publishing is not
 * slowed down.
 */
const MAX_BYTES_PER_SECOND = 16_777_216

/** Most bytes waiting for the next delivery, for one client and for all of them together. */
const MAX_PENDING_BYTES = 262_144
const MAX_PENDING_BYTES_OF_ALL = 4_194_304
const MIN_PENDING_BYTES = 16_384

/**
 * Time between two rounds of deliveries, in milliseconds, and the time that each served client adds to it.
 */
const INTERVAL_MS = 20
const INTERVAL_PER_CLIENT_MS = 0.5

/** Clients served in one turn of the event loop. A turn takes about a millisecond. */
const CLIENTS_PER_TURN = 50

/** An event in the format's text. */
type Written = { readonly text: string } | "no-event" | "unwritable"

/**
 * Shows events to observers as they are stored. Watches the engine while there are clients, collects events,
 * and delivers them at a pace that leaves time for publishing. Each client learns how many events it missed.
 */
export class LiveStream {
  readonly #engine: Pick<Engine, "watch">
  readonly #audiences = new Map<string, Audience>()
  readonly #topics = new TopicTree<Audience>({
    maxNodes: MAX_TOPIC_WORDS,
    maxCostlyNodes: MAX_COSTLY_TOPIC_WORDS,
  })
  /** Audiences with something to deliver, the longest waiting first. */
  readonly #news = new Set<Audience>()
  #clientCount = 0
  #maxPendingBytes = MAX_PENDING_BYTES
  #unwatch: Promise<() => void> | null = null
  #timer: Timer | undefined

  constructor(engine: Pick<Engine, "watch">) {
    this.#engine = engine
  }

  /** Number of clients. */
  get clientCount(): number {
    return this.#clientCount
  }

  /**
   * Sends a client the events on its topics. Resolves when that has begun, with a function that ends it.
   * @throws {EngineUnavailableError}
   * @throws {TopicTreeFullError} if the topics of all clients together are too many
   */
  async join(topics: LiveTopics, client: LiveClient): Promise<() => void> {
    const audience = this.#audiences.get(audienceKey(topics)) ?? this.#gather(topics)
    audience.join(client)
    this.#count(+1)
    const leave = (): void => {
      if (!audience.leave(client)) return
      this.#count(-1)
      if (audience.size === 0) this.#disband(audience)
    }
    try {
      await this.#watch()
      return leave
    } catch (error) {
      leave()
      throw error
    }
  }

  #gather(topics: LiveTopics): Audience {
    const audience = new Audience(topics)
    this.#audiences.set(audience.key, audience)
    try {
      for (const pattern of audience.patterns) this.#topics.add(pattern, audience)
    } catch (error) {
      this.#disband(audience)
      throw error
    }
    return audience
  }

  #disband(audience: Audience): void {
    this.#audiences.delete(audience.key)
    this.#news.delete(audience)
    for (const pattern of audience.patterns) this.#topics.remove(pattern, audience)
    if (this.#audiences.size === 0) this.#end()
  }

  #watch(): Promise<unknown> {
    if (this.#unwatch !== null) return this.#unwatch
    const watching = this.#engine.watch({
      onEvent: (event) => this.#add(event),
      onGap: () => {
        for (const audience of this.#audiences.values()) audience.tellOfGap()
      },
    })
    this.#unwatch = watching
    watching.catch(() => {
      if (this.#unwatch === watching) this.#unwatch = null
    })
    return watching
  }

  #count(change: number): void {
    this.#clientCount += change
    const share = MAX_PENDING_BYTES_OF_ALL / Math.max(1, this.#clientCount)
    this.#maxPendingBytes = Math.min(MAX_PENDING_BYTES, Math.max(MIN_PENDING_BYTES, share))
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const unwatch = this.#unwatch
    this.#unwatch = null
    unwatch?.then((end) => end()).catch(() => {})
  }

  #add(event: StoredBody): void {
    const audiences = this.#topics.match(event.routingKey).filter((each) => each.maySee(event.routingKey))
    if (audiences.length === 0) return
    // Each format is written once for all audiences, and not at all if none of them has room.
    const texts = new Map<LiveFormat, Written>()
    for (const audience of audiences) {
      if (!audience.hasRoom(this.#maxPendingBytes)) {
        audience.skip()
        continue
      }
      const { format } = audience
      const written = texts.get(format) ?? write(format, event)
      texts.set(format, written)
      if (written === "no-event") continue
      if (written === "unwritable") audience.skip()
      else audience.add(written.text)
      this.#news.add(audience)
    }
    this.#timer ??= setTimeout(() => this.#deliver(), INTERVAL_MS)
  }

  /** Delivers to some audiences, then waits as long as the pace requires. */
  #deliver(): void {
    this.#timer = undefined
    let bytes = 0
    let recipients = 0
    for (const audience of this.#news) {
      this.#news.delete(audience)
      bytes += audience.deliver()
      recipients += audience.size
      if (recipients >= CLIENTS_PER_TURN) break
    }
    if (recipients === 0) return
    const roundMs = this.#news.size > 0 ? 0 : INTERVAL_MS
    const waitMs = roundMs + recipients * INTERVAL_PER_CLIENT_MS + (bytes / MAX_BYTES_PER_SECOND) * 1_000
    this.#timer = setTimeout(() => this.#deliver(), waitMs)
  }
}

/** Writes an event. Another program's event may be unwritable: its time is invalid, or it nests too deep. */
function write(format: LiveFormat, event: StoredBody): Written {
  try {
    const text = format.write(event)
    return text === null ? "no-event" : { text }
  } catch {
    // The clients learn that they missed an event.
    return "unwritable"
  }
}
