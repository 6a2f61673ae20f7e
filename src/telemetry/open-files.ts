import { readdirSync, readFileSync, statSync } from "node:fs"

const FOLDER = "/proc/self/fd"

const LIMIT = /^Max open files\s+(\d+)/m

/** Returns how many files and connections the process has open; null if the system does not tell. */
export function openFiles(): number | null {
  try {
    // Since Linux 6.2 the folder's size is the number. Reading it takes no descriptor: there may be none left.
    return statSync(FOLDER).size || readdirSync(FOLDER).length
  } catch {
    return null
  }
}

/** Returns how many it can have open; null without a limit, or if the system does not tell. Bun raises the limit as far as it can. */
export function openFilesLimit(): number | null {
  try {
    const limit = LIMIT.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]
    return limit === undefined ? null : Number(limit)
  } catch {
    return null
  }
}
