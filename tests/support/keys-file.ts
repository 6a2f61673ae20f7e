import { writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { type NewKeyOptions, newKey } from "../../src/commands/new-key.ts"
import { KeyRing } from "../../src/http/access/key-ring.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** A file with new keys, and the ring that reads it. */
export class KeysFile implements Disposable {
  readonly ring: KeyRing
  readonly #folder = temporaryFolder()
  readonly #keys: ReadonlyMap<string, string>

  constructor(kinds: readonly NewKeyOptions[]) {
    const made = kinds.map((kind) => ({ ...newKey(kind), name: kind.name }))
    this.#keys = new Map(made.map(({ name, key }) => [name, key]))
    const file = join(this.#folder.path, "keys")
    writeFileSync(file, made.map(({ line }) => `${line}\n`).join(""))
    this.ring = new KeyRing(file, pino({ level: "silent" }))
  }

  /** Returns the request headers for the key with this name. */
  bearer(name: string): Record<string, string> {
    return { Authorization: `Bearer ${this.#keys.get(name)}` }
  }

  [Symbol.dispose](): void {
    this.ring[Symbol.dispose]()
    this.#folder[Symbol.dispose]()
  }
}
