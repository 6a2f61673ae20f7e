import * as v from "valibot"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { SCOPES } from "./scope.ts"

/** A line of the keys' file. The key itself is not in it. */
const KeySchema = v.strictObject({
  name: v.pipe(v.string(), v.nonEmpty()),
  sha256: v.pipe(v.string(), v.regex(/^[\da-f]{64}$/, "must be 64 hexadecimal digits, in lower case")),
  scopes: v.pipe(v.array(v.picklist(SCOPES, `must be of ${SCOPES.join(", ")}`)), v.minLength(1)),
  types: v.exactOptional(
    v.pipe(v.array(v.picklist(EVENT_TYPES, `must be of ${EVENT_TYPES.join(", ")}`)), v.minLength(1)),
  ),
})

/** A key as it is stored: its name, its hash, its scopes, and the event types that it is limited to (none if absent). */
export type StoredKey = v.InferOutput<typeof KeySchema>

/** A file of keys that can't be used. The message names the file and the line. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError"
}

/**
 * Reads the keys of a file: one JSON object a line. Skips empty lines, and lines that begin with `#`.
 * @throws {KeyFileError} for the first line that is not a key, for a name that is there twice, and for no key at all.
 */
export function parseKeys(text: string, file: string): readonly StoredKey[] {
  const keys: StoredKey[] = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue
    const where = `API_KEYS_FILE ${file}, line ${index + 1}`
    const key = parseKey(line, where)
    if (keys.some(({ name }) => name === key.name)) {
      throw new KeyFileError(`${where}: there is a key named ${key.name} already`)
    }
    keys.push(key)
  }
  if (keys.length === 0) {
    throw new KeyFileError(`API_KEYS_FILE ${file} has no key: add one that "event-broker keys new" prints`)
  }
  return keys
}

function parseKey(line: string, where: string): StoredKey {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw new KeyFileError(`${where}: is not JSON`, { cause })
  }
  const result = v.safeParse(KeySchema, json)
  if (result.success) return result.output
  const faults = result.issues.map((issue) => `${v.getDotPath(issue) ?? "the line"}: ${issue.message}`)
  throw new KeyFileError(`${where}: ${faults.join("; ")}`)
}
