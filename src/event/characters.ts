import * as v from "valibot"

/** Checks that are shown as `maxLength` in JSON Schema. */
const bounds = new WeakMap<object, number>()

/**
 * Refuses a text of more characters. Counts Unicode code points, as `maxLength` of JSON Schema does; JavaScript counts an
 * emoji twice.
 */
export function maxCharacters(most: number): v.CheckAction<string, string> {
  const check = v.check<string, string>(
    // One of more than twice as many UTF-16 units has too many, and is not counted.
    (text) => text.length <= most || (text.length <= 2 * most && Array.from(text).length <= most),
    `must have at most ${most} characters`,
  )
  bounds.set(check, most)
  return check
}

/** Returns the bound of such a check; undefined for anything else. */
export const mostCharactersOf = (check: object): number | undefined => bounds.get(check)
