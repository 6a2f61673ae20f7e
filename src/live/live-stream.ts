import type { Engine, StoredBody } from "../engine/engine.ts"
import { Audience, type LiveClient, type LiveFormat, type LiveTopics, nameOf } from "./audience.ts"

/** Routing keys whose audiences are remembered. */
const MAX_REMEMBERED_KEYS = 10_000

/** Bytes a second that all clients are sent together: what is beyond is missed, and publishing is not slowed by it. */
const MAX_BYTES_PER_SECOND = 16_777_216

/** Bytes that wait for the next delivery to one client, and to all of them together. */
const MAX_PENDING_BYTES = 262_144
const MAX_PENDING_BYTES_OF_ALL = 4_194_304
const MIN_PENDING_BYTES = 16_384

/** The time between two deliveries, in milliseconds, and what each client that got something adds to it. */
const INTERVAL_MS = 20
const INTERVAL_PER_CLIENT_MS = 0.5

/**
 * Shows events to those who look, as they come. It watches the engine while there are clients, collects what comes, and
 * delivers it at a pace that leaves the time to publishing; a client is told how many it has missed.
 */
export class LiveStream {
  readonly #engine: Engine
  readonly #audiences = new Map<string, Audience>()
  readonly #audiencesByKey = new Map<string, readonly Audience[]>()
  #clientCount = 0
  #maxPendingBytes = MAX_PENDING_BYTES
  #unwatch: Promise<() => void> | null = null
  #timer: Timer | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** How many clients there are. */
  get clientCount(): number {
    return this.#clientCount
  }

  /**
   * Sends a client the events on its topics. Resolves once that has begun, with what ends it.
   * @throws {EngineUnavailableError}
   */
  async join(topics: LiveTopics, client: LiveClient): Promise<() => void> {
    const key = nameOf(topics)
    const audience = this.#audiences.get(key) ?? new Audience(topics)
    this.#audiences.set(key, audience)
    this.#audiencesByKey.clear()
    audience.join(client)
    this.#count(+1)
    const leave = (): void => {
      if (!audience.leave(client)) return
      this.#count(-1)
      if (audience.size > 0 || this.#audiences.get(key) !== audience) return
      this.#audiences.delete(key)
      this.#audiencesByKey.clear()
      if (this.#audiences.size === 0) this.#end()
    }
    try {
      await this.#watch()
      return leave
    } catch (error) {
      leave()
      throw error
    }
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
    const audiences = this.#audiencesOf(event.routingKey)
    if (audiences.length === 0) return
    // Each format is written once, whoever wants it; and not at all for those that have no room.
    const texts = new Map<LiveFormat, string | null>()
    for (const audience of audiences) {
      if (!audience.hasRoom(this.#maxPendingBytes)) {
        audience.skip()
        continue
      }
      const { format } = audience
      if (!texts.has(format)) texts.set(format, format.write(event))
      const text = texts.get(format) ?? null
      if (text !== null) audience.add(text)
    }
    this.#timer ??= setTimeout(() => this.#deliver(), INTERVAL_MS)
  }

  #audiencesOf(routingKey: string): readonly Audience[] {
    const known = this.#audiencesByKey.get(routingKey)
    if (known !== undefined) return known
    if (this.#audiencesByKey.size >= MAX_REMEMBERED_KEYS) this.#audiencesByKey.clear()
    const audiences = [...this.#audiences.values()].filter((audience) => audience.isFor(routingKey))
    this.#audiencesByKey.set(routingKey, audiences)
    return audiences
  }

  #deliver(): void {
    let bytes = 0
    let recipients = 0
    for (const audience of this.#audiences.values()) {
      if (!audience.hasNews) continue
      bytes += audience.deliver()
      recipients += audience.size
    }
    if (recipients === 0) {
      this.#timer = undefined
      return
    }
    const waitMs = INTERVAL_MS + recipients * INTERVAL_PER_CLIENT_MS + (bytes / MAX_BYTES_PER_SECOND) * 1_000
    this.#timer = setTimeout(() => this.#deliver(), waitMs)
  }
}
