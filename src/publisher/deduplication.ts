import type { Mark } from "../engine/once.ts"
import type { Event } from "../event/envelope.ts"

/** Characters of a hash: 132 bits, so that nobody can make two that are equal. */
const HASH_LENGTH = 22

/** Returns the hash of texts, which differs from that of any other texts. */
const hashOf = (...texts: readonly string[]): string =>
  Bun.CryptoHasher.hash("sha256", JSON.stringify(texts), "base64url").slice(0, HASH_LENGTH)

/**
 * Marks an event by the id that its publisher gave it. Ids of different types or routing keys are different, so that a key
 * that is limited to some types can't use up, or ask for, the ids of others. CloudEvents of different sources may have the same id.
 */
export function idMark({ id, type, routing_key, metadata: { source } }: Event): Mark {
  const hash = hashOf("id", type, routing_key, typeof source === "string" ? source : "", id)
  return { by: "id", hash, fingerprint: null }
}

/** The idempotency key of a request. Makes the marks of its events. */
export class RequestKey {
  readonly #caller: string
  readonly #key: string
  readonly #hash: string

  /** @param caller name of the client's API key; empty if there are no API keys */
  constructor(caller: string, key: string) {
    this.#caller = caller
    this.#key = key
    this.#hash = hashOf("key", caller, key)
  }

  /** Identifies the key of this caller. */
  get hash(): string {
    return this.#hash
  }

  /** Returns the marks of the only event of the request. */
  ofOnly(fingerprint: string): readonly Mark[] {
    return [{ by: "key", hash: this.#hash, fingerprint }]
  }

  /**
   * Returns the marks of one of the request's events.
   * @param number its position in a batch, or the number of its line
   * @param request fingerprint of the request
   * @param event fingerprint of this event; null if that of the request covers it
   */
  ofEvent(number: number, request: string, event: string | null): readonly Mark[] {
    return [
      { by: "request", hash: this.#hash, fingerprint: request },
      {
        by: "key",
        hash: hashOf("event", this.#caller, this.#key, String(number)),
        fingerprint: event,
      },
    ]
  }
}

/** Makes the fingerprint of the content of a request, which may arrive in parts. */
export class Fingerprint {
  readonly #hasher = new Bun.CryptoHasher("sha256")

  /** @param texts what belongs to the content besides its bytes */
  constructor(...texts: readonly string[]) {
    this.#hasher.update(JSON.stringify(texts))
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes)
  }

  /** Returns the fingerprint. Call it once, at the end. */
  end(): string {
    return this.#hasher.digest("base64url").slice(0, HASH_LENGTH)
  }
}
