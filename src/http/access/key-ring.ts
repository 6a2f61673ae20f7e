import { createHash, timingSafeEqual } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import type { Logger } from "../../telemetry/logger.ts"
import { KeyFileError, parseKeys, type StoredKey } from "./key-file.ts"

/** How often to look whether the file has changed, in milliseconds. */
const WATCH_INTERVAL_MS = 1_000

interface KnownKey {
  readonly key: StoredKey
  readonly digest: Buffer
}

/** The keys of a file, read again when it changes. One that can't be read any more leaves the keys as they were. */
export class KeyRing implements Disposable {
  readonly #file: string
  readonly #logger: Logger
  readonly #timer: Timer
  #keys: readonly KnownKey[]
  #version: string
  #fault: string | null = null

  /** @throws {KeyFileError} where the file can't be used. */
  constructor(file: string, logger: Logger, watchIntervalMs = WATCH_INTERVAL_MS) {
    this.#file = file
    this.#logger = logger
    this.#version = versionOf(file)
    this.#keys = read(file)
    this.#timer = setInterval(() => this.#readIfChanged(), watchIntervalMs)
    this.#timer.unref()
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

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #readIfChanged(): void {
    try {
      const version = versionOf(this.#file)
      if (version === this.#version) return
      this.#version = version
      this.#keys = read(this.#file)
      this.#fault = null
      this.#logger.info({ keys: this.#keys.map(({ key }) => key.name) }, "the keys were read again")
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error
      if (this.#fault === error.message) return
      this.#fault = error.message
      this.#logger.error({ reason: error.message }, "the keys stay as they were: the file can't be used")
    }
  }
}

function versionOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file)
    return `${mtimeMs} ${size} ${ino}`
  } catch (cause) {
    throw new KeyFileError(`API_KEYS_FILE ${file} can't be read`, { cause })
  }
}

function read(file: string): readonly KnownKey[] {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (cause) {
    throw new KeyFileError(`API_KEYS_FILE ${file} can't be read`, { cause })
  }
  return parseKeys(text, file).map((key) => ({ key, digest: Buffer.from(key.sha256, "hex") }))
}
