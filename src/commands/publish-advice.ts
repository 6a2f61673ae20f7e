import { existsSync } from "node:fs"
import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"

/** The name or the topic of an event: words joined by dots, without the slash of a path. */
const LIKE_A_NAME = /^\w[\w-]*(\.[\w-]+)*$/

/** The endings of files with events. A word with one is the path of a file that is missing. */
const FILE = /\.(json|ndjson|jsonl|txt|log)$/i

/**
 * Returns the command that publishes an event whose type and name were given in the place of a file, as in
 * `publish voice.call.ended` and `publish voice call.ended`; null if the words are none, or there is such a file.
 */
export function commandFor(words: readonly string[]): string | null {
  const topic = words.join(".")
  if (words.length === 0 || !LIKE_A_NAME.test(topic) || FILE.test(topic) || existsSync(words[0] ?? ""))
    return null
  const [first = ""] = topic.replace(/^events\./, "").split(".")
  const type = EVENT_TYPES.find((each) => each === first)
  const name = withoutType(topic, EVENT_TYPES) ?? (type === undefined ? topic : "NAME")
  return `event-broker publish --type ${type ?? "TYPE"} --name ${name}`
}

/** Says which flags of an event are missing; null if the type and the name are there. */
export function missingFlags({
  type,
  name,
}: {
  readonly type?: string | undefined
  readonly name?: string | undefined
}): string | null {
  if (type !== undefined && name !== undefined) return null
  if (type !== undefined) return `--name is missing, such as --type ${type} --name call.ended`
  if (name !== undefined) return `--type is missing: one of ${EVENT_TYPES.join(", ")}`
  return "give --type and --name, or a file, or - for standard input"
}
