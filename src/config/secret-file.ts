import { existsSync, readFileSync } from "node:fs"
import { isAbsolute, resolve } from "node:path"
import { codeOf, explainCode } from "../system/text-file.ts"

/** A secret from a file, without its last newline; or the reason why there is none. */
export type SecretFromFile = { readonly secret: string } | { readonly fault: string }

/**
 * Reads the file of a secret. It can also be a pipe, because a shell gives a secret as `<(command)`.
 * @param path as it was given
 */
export function readSecretFile(path: string): SecretFromFile {
  const shown = isPathForSure(path)
    ? resolve(path)
    : "the given one, which is not shown because it may be the secret itself,"
  const faultOf = (reason: string) => ({ fault: `takes the path of a readable file: ${shown} ${reason}` })
  try {
    const secret = readFileSync(path, "utf8").replace(/\r?\n$/, "")
    return secret === "" ? faultOf("is empty") : { secret }
  } catch (error) {
    // The error's own message repeats the path.
    return faultOf(explainCode(codeOf(error)))
  }
}

/** A key of this service, and any other text that looks like one: long, and without the dot or the slash of a path. */
const LIKE_A_SECRET = /^(eb_.+|[\w+=-]{20,})$/

/** Returns true for a text that was given as a path and that may be a secret itself. */
export const isProbablySecret = (text: string): boolean => LIKE_A_SECRET.test(text) && !isPathForSure(text)

/**
 * Returns true for a path of something that exists, or that begins with a folder that exists. Any other text may be the
 * secret itself, because the variable of a secret and that of its file are easily mixed up.
 */
export function isPathForSure(text: string): boolean {
  const [first = "", ...rest] = text.split("/").filter((part) => part !== "")
  const folder = isAbsolute(text) ? `/${first}` : first
  return existsSync(text) || (rest.length > 0 && existsSync(folder))
}
