import { createHash, timingSafeEqual } from "node:crypto"
import type { Logger } from "../../telemetry/logger.ts"
import { parseKeys, type StoredKey } from "./key-file.ts"
import { type KeyFileReading, readKeyFile, readKeyFileSync } from "./read-key-file.ts"

/** How often to look at the file, in milliseconds. */
const LOOK_INTERVAL_MS = 1_000

/** How long a look may take before the file counts as unreadable, in milliseconds: a network mount can hang. */
const MAX_LOOK_MS = 10_000

/** Distinct faults that are logged until the file is good again. */
const MAX_LOGGED_FAULTS = 20

interface KnownKey {
  readonly key: StoredKey
  readonly digest: Buffer
  /** Aborted once the key is not in the file any more, or its line says something else. */
  readonly revocation: AbortController
}

/**
 * The keys of a file. The last good file stays in force until another good one is there, so a file that is away, empty
 * or half written for a moment neither locks everybody out nor lets anybody in.
 *
 * The file is read at each look, and its text compared: no change is missed because two time stamps are equal, whether
 * the file is edited, renamed over, or behind a symbolic link that is swapped. A new text counts once two looks in a row
 * have found the same file, so a file is not taken while it is being written.
 */
export class KeyRing implements Disposable {
  readonly #file: string
  readonly #logger: Logger
  readonly #timer: Timer
  #keys: readonly KnownKey[]
  /** The text that is in force. */
  #text: string
  /** What the last look has found, if it is another text. */
  #candidate: KeyFileReading | null = null
  /** Why the file can't be used as it is. */
  #fault: string | null = null
  readonly #loggedFaults = new Set<string>()
  /** When the look that has not ended began, on the monotonic clock. */
  #lookBegan: number | null = null

  /** @throws {KeyFileError} if the file can't be used. */
  constructor(file: string, logger: Logger, lookIntervalMs = LOOK_INTERVAL_MS) {
    this.#file = file
    this.#logger = logger
    this.#text = readKeyFileSync(file).text
    this.#keys = parseKeys(this.#text, file).map(toKnownKey)
    this.#timer = setInterval(() => void this.look(), lookIntervalMs)
    this.#timer.unref()
  }

  /** Whether the file can be used as it is now. If not, the keys of the last good file are in force. */
  get isFileGood(): boolean {
    return this.#fault === null
  }

  /** The key that hashes to what is stored. Every stored hash is compared whole, so that the time tells nothing. */
  find(presented: string): StoredKey | null {
    const digest = createHash("sha256").update(presented).digest()
    let found: StoredKey | null = null
    for (const known of this.#keys) {
      if (timingSafeEqual(known.digest, digest)) found = known.key
    }
    return found
  }

  /** Aborted once a key that `find` has returned is revoked or changed: an answer that goes on has to end then. */
  revocationOf(key: StoredKey): AbortSignal {
    return this.#keys.find((known) => known.key === key)?.revocation.signal ?? AbortSignal.abort()
  }

  /** Looks at the file once; it does so by itself at every interval. Resolves when it has, and never rejects. */
  async look(): Promise<void> {
    if (this.#lookBegan !== null) {
      if (performance.now() - this.#lookBegan > MAX_LOOK_MS) {
        this.#report(`API_KEYS_FILE ${this.#file} can't be read: no answer for ${MAX_LOOK_MS / 1_000} s`)
      }
      return
    }
    this.#lookBegan = performance.now()
    try {
      this.#compare(await readKeyFile(this.#file))
    } catch (error) {
      this.#candidate = null
      this.#report(error instanceof Error ? error.message : String(error))
    }
    this.#lookBegan = null
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #compare(found: KeyFileReading): void {
    const { text, version } = found
    if (text === this.#text) {
      this.#candidate = null
      if (this.#fault !== null) this.#logger.info({ file: this.#file }, "keys file can be used again")
      this.#clearFault()
    } else if (text !== this.#candidate?.text || version !== this.#candidate.version) {
      this.#candidate = found
    } else {
      this.#take(text)
    }
  }

  #take(text: string): void {
    let keys: readonly StoredKey[]
    try {
      keys = parseKeys(text, this.#file)
    } catch (error) {
      this.#report(error instanceof Error ? error.message : String(error))
      return
    }
    const before = new Map(this.#keys.map((known) => [JSON.stringify(known.key), known]))
    this.#keys = keys.map((key) => before.get(JSON.stringify(key)) ?? toKnownKey(key))
    this.#text = text
    this.#candidate = null
    this.#clearFault()
    this.#logger.info({ file: this.#file, keys: keys.map(({ name }) => name) }, "keys read again")
    for (const known of before.values()) if (!this.#keys.includes(known)) known.revocation.abort()
  }

  #report(fault: string): void {
    this.#fault = fault
    if (this.#loggedFaults.has(fault) || this.#loggedFaults.size >= MAX_LOGGED_FAULTS) return
    this.#loggedFaults.add(fault)
    this.#logger.error(
      { reason: fault },
      "keys file can't be used: the keys of the last good one stay in force",
    )
  }

  #clearFault(): void {
    this.#fault = null
    this.#loggedFaults.clear()
  }
}

const toKnownKey = (key: StoredKey): KnownKey => ({
  key,
  digest: Buffer.from(key.sha256, "hex"),
  revocation: new AbortController(),
})
