import { createHash, timingSafeEqual } from "node:crypto"
import { reasonOf } from "../../system/reason-of.ts"
import type { Logger } from "../../telemetry/logger.ts"
import { NoKeyError, parseKeys, type StoredKey } from "./key-file.ts"
import { type KeyFileReading, readKeyFile, readKeyFileSync } from "./read-key-file.ts"

/** Interval between two reads of the file, in milliseconds. */
const LOOK_INTERVAL_MS = 1_000

/**
 * Longest time that a read may take before the file counts as unreadable, in milliseconds: a network mount
 * can hang.
 */
const MAX_LOOK_MS = 10_000

/** Most distinct faults logged until the file is valid again. */
const MAX_LOGGED_FAULTS = 20

interface KnownKey {
  readonly key: StoredKey
  readonly digest: Buffer
  /** Aborted when the key is removed from the file or its line changes. */
  readonly revocation: AbortController
}

/**
 * The keys of a file. The last valid file stays in force until there is another valid one, so a file that is
 * missing, empty or half written for a moment neither locks everybody out nor lets anybody in.
 *
 * Every read compares the text of the file, so no change is missed because two timestamps are equal, whether
 * the file is edited, replaced by a rename, or behind a symbolic link that is swapped. A new text takes
 * effect when two consecutive reads find the same file, so a file that is still being written is not used.
 */
export class KeyRing implements Disposable {
  readonly #file: string
  readonly #logger: Logger
  readonly #timer: Timer
  #keys: readonly KnownKey[]
  /** The text that is in force; null until a file has a key. */
  #text: string | null
  /** The content that the last look found, if it has changed. */
  #candidate: KeyFileReading | null = null
  /** Why the current file can't be used; null if it can. */
  #fault: string | null = null
  readonly #loggedFaults = new Set<string>()
  /** Start of the read in progress, on the monotonic clock. */
  #lookBegan: number | null = null

  /**
   * A file without a key is used as it is: it knows nobody until a key is added.
   * @throws {KeyFileError} if the file can't be used.
   */
  constructor(file: string, logger: Logger, lookIntervalMs = LOOK_INTERVAL_MS) {
    this.#file = file
    this.#logger = logger
    this.#text = readKeyFileSync(file).text
    try {
      this.#keys = parseKeys(this.#text, file).map(toKnownKey)
    } catch (error) {
      if (!(error instanceof NoKeyError)) throw error
      this.#text = null
      this.#keys = []
      this.#fault = error.message
      this.#loggedFaults.add(error.message)
      logger.warn({ reason: error.message }, "keys file has no key: every request that needs one is refused")
    }
    this.#timer = setInterval(() => void this.look(), lookIntervalMs)
    this.#timer.unref()
  }

  /** True if the current file is valid. If false, the keys of the last valid file are in force. */
  get isFileGood(): boolean {
    return this.#fault === null
  }

  /** Finds the key with this hash. Compares every stored hash in full, so the timing reveals nothing. */
  find(presented: string): StoredKey | null {
    const digest = createHash("sha256").update(presented).digest()
    let found: StoredKey | null = null
    for (const known of this.#keys) {
      if (timingSafeEqual(known.digest, digest)) found = known.key
    }
    return found
  }

  /**
   * Returns a signal that aborts when a key returned by `find` is revoked or changed; long responses must end
   * then.
   */
  revocationOf(key: StoredKey): AbortSignal {
    return this.#keys.find((known) => known.key === key)?.revocation.signal ?? AbortSignal.abort()
  }

  /** Reads the file once. The timer does so at every interval. Resolves when done and never rejects. */
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
      this.#report(reasonOf(error))
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
      if (this.#fault !== null) this.#logger.info({ file: this.#file }, "keys file usable again")
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
      this.#report(reasonOf(error))
      return
    }
    const before = new Map(this.#keys.map((known) => [JSON.stringify(known.key), known]))
    this.#keys = keys.map((key) => before.get(JSON.stringify(key)) ?? toKnownKey(key))
    this.#text = text
    this.#candidate = null
    this.#clearFault()
    this.#logger.info({ file: this.#file, keys: keys.map(({ name }) => name) }, "keys reloaded")
    for (const known of before.values()) if (!this.#keys.includes(known)) known.revocation.abort()
  }

  #report(fault: string): void {
    this.#fault = fault
    if (this.#loggedFaults.has(fault) || this.#loggedFaults.size >= MAX_LOGGED_FAULTS) return
    this.#loggedFaults.add(fault)
    this.#logger.error({ reason: fault }, "keys file unusable: the keys of the last valid file stay in force")
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
