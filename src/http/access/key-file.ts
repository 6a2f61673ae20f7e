import * as v from "valibot"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { isJsonObject } from "../../event/json-text.ts"
import { didYouMean } from "../../event/suggestion.ts"
import { SCOPES } from "./scope.ts"

const SHA256 = "must be 64 lower-case hexadecimal digits"

const listOf = <const Choice extends string>(choices: readonly Choice[]) =>
  v.pipe(
    v.array(
      v.picklist(choices, `must be one of ${choices.join(", ")}`),
      `must be a list of ${choices.join(", ")}`,
    ),
    v.minLength(1, `must have at least one of ${choices.join(", ")}`),
  )

/** A line of the keys file. It has the hash of the key, not the key. */
const KeySchema = v.strictObject(
  {
    name: v.pipe(v.string("must be a string"), v.nonEmpty("must have at least 1 character")),
    sha256: v.pipe(v.string(SHA256), v.regex(/^[\da-f]{64}$/, SHA256)),
    scopes: listOf(SCOPES),
    types: v.exactOptional(listOf(EVENT_TYPES)),
  },
  "is required",
)

const FIELDS = Object.keys(KeySchema.entries)

/**
 * A stored key: its name, its hash, its scopes, and the event types that it is limited to (absent: no limit).
 */
export type StoredKey = v.InferOutput<typeof KeySchema>

/** The keys file can't be used. The message names the file and the line. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError"
}

/** A file that has no key, and nothing that is wrong. */
export class NoKeyError extends KeyFileError {}

/**
 * Parses a keys file: one JSON object per line. Skips empty lines, and lines that begin with `#`.
 * @throws {KeyFileError} for the first invalid line, for a duplicate name or key, and if there is no key.
 */
export function parseKeys(text: string, file: string): readonly StoredKey[] {
  const keys: StoredKey[] = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue
    const where = `API_KEYS_FILE ${file}, line ${index + 1}`
    const key = parseKey(line, where)
    if (keys.some(({ name }) => name === key.name)) {
      throw new KeyFileError(`${where}: the name ${key.name} is already used by another key`)
    }
    if (keys.some(({ sha256 }) => sha256 === key.sha256)) {
      throw new KeyFileError(`${where}: the key of ${key.name} is already on another line`)
    }
    keys.push(key)
  }
  if (keys.length === 0) {
    throw new NoKeyError(`API_KEYS_FILE ${file} has no key: add one with "event-broker keys new --append"`)
  }
  return keys
}

function parseKey(line: string, where: string): StoredKey {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw new KeyFileError(
      `${where} is not JSON: it must be the line {"name":…} that "event-broker keys new" prints, not the key itself`,
      { cause },
    )
  }
  if (!isJsonObject(json)) throw new KeyFileError(`${where} must be a JSON object`)
  const result = v.safeParse(KeySchema, json)
  const twice = FIELDS.find((field) => isTwice(field, line))
  if (twice !== undefined) throw new KeyFileError(`${where}: ${twice} occurs twice`)
  if (result.success) return result.output
  const faults = [
    ...result.issues.filter(isKnownField).map((issue) => `${v.getDotPath(issue)} ${issue.message}`),
    ...Object.keys(json)
      .filter((field) => !FIELDS.includes(field))
      .map((field) => `${field} is unknown here${didYouMean(field, FIELDS)}`),
  ]
  throw new KeyFileError(`${where}: ${faults.join("; ")}`)
}

/** JSON.parse takes the last of two fields with one name, in silence. A quote within a text of JSON has a backslash. */
const isTwice = (field: string, line: string): boolean =>
  line.split(new RegExp(`(?<!\\\\)"${field}"\\s*:`)).length > 2

/** valibot reports only the first unknown field. */
const isKnownField = ({ type, expected }: v.BaseIssue<unknown>): boolean =>
  type !== "strict_object" || expected !== "never"
