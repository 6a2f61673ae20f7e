import { createHash, randomBytes } from "node:crypto"
import type { EventType } from "../event/event-type.ts"
import type { StoredKey } from "../http/access/key-file.ts"
import type { Scope } from "../http/access/scope.ts"

/** What a key begins with, so that one that leaked is found by who looks for it. */
const PREFIX = "eb_"

/** As many as nobody guesses: 256 bits. */
const KEY_BYTES = 32

export interface NewKeyOptions {
  readonly name: string
  readonly scope: readonly Scope[]
  /** The event types that it is limited to. No limit if absent. */
  readonly type?: readonly EventType[]
}

/** Makes a key: itself, which is stored nowhere, and the line for the keys' file. */
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
