import { createHash, randomBytes } from "node:crypto"
import type { EventType } from "../event/event-type.ts"
import type { StoredKey } from "../http/access/key-file.ts"
import type { Scope } from "../http/access/scope.ts"

/** Prefix of every key, so that scanners find one that leaked. */
const PREFIX = "eb_"

/** 256 bits, which nobody guesses. */
const KEY_BYTES = 32

export interface NewKeyOptions {
  readonly name: string
  readonly scope: readonly Scope[]
  /** Event types that the key is limited to. No limit if absent. */
  readonly type?: readonly EventType[]
}

/** Makes a key, which is not stored anywhere, and its line for the keys file. */
export function newKey({ name, scope, type }: NewKeyOptions): {
  readonly key: string
  readonly line: string
} {
  const key = PREFIX + randomBytes(KEY_BYTES).toString("base64url")
  const stored: StoredKey = {
    name,
    sha256: createHash("sha256").update(key).digest("hex"),
    scopes: [...new Set(scope)],
    ...(type !== undefined && { types: [...new Set(type)] }),
  }
  return { key, line: JSON.stringify(stored) }
}
