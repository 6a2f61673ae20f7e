import { readdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"

/** How often a few files are looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 50

/**
 * The same for each file, if there are many, because each costs time of the processor. How long a look took says little
 * about that: on a busy machine, or a network file system, it waits most of the time.
 */
const INTERVAL_PER_FILE_MS = 0.5

/** How much the clock of a file system may be behind that of the process, in milliseconds. */
const CLOCK_SLACK_MS = 1_000

/** How long files must stay as they are before a change counts, in milliseconds: an editor may write several, or in parts. */
const QUIET_MS = 40

/** Longest wait for that, in milliseconds: something may write all the time. */
const MAX_UNQUIET_MS = 1_000

/** Most files of the folder that are watched. */
const MAX_FILES = 10_000

/** Files by path, each as it was seen: with another text it has changed. */
type Seen = ReadonlyMap<string, string>

/**
 * Notices changes of the modules' files, by looking at them again and again. That also finds what a notification of the
 * system does not tell: a link that points elsewhere, a volume that is mounted, and a network file system.
 */
export class ModuleWatch {
  readonly #dir: string
  #others: readonly string[] = []
  #seen: Promise<Seen>
  #isStopped = false

  /**
   * Changes count from now on.
   * @param dir folder of the modules, which may be missing
   */
  constructor(dir: string) {
    this.#dir = dir
    this.#seen = this.#look()
  }

  /** Resolves once every later change is noticed. Read the files after that. */
  async ready(): Promise<void> {
    await this.#seen
  }

  /**
   * Watches these files, too, wherever they are: the ones that the modules import. Call it when they have been read. One
   * that has changed since then counts as a change.
   * @param readSince when the reading began, in milliseconds since the epoch
   */
  async follow(sources: readonly string[], readSince: number): Promise<void> {
    const before = new Set(this.#others)
    this.#others = sources.filter((path) => !path.startsWith(`${this.#dir}/`))
    const gone = before.difference(new Set(this.#others))
    const added = this.#others.filter((path) => !before.has(path))
    this.#seen = Promise.all([this.#seen, describeAll(added, readSince - CLOCK_SLACK_MS)]).then(
      ([seen, more]) => new Map([...[...seen].filter(([path]) => !gone.has(path)), ...more]),
    )
    await this.#seen
  }

  /** Watches these files besides those that it has: they can't be used, and what they import is not known. */
  followAlso(faulty: readonly string[], readSince: number): Promise<void> {
    return this.follow([...new Set([...this.#others, ...faulty])], readSince)
  }

  /**
   * Calls back for each change until the watch is stopped, once for several files that change together. Waits for what the
   * callback returns, and misses no change meanwhile.
   */
  async run(onChange: () => Promise<unknown>): Promise<void> {
    let waitMs = LOOK_INTERVAL_MS
    while (!this.#isStopped) {
      await Bun.sleep(waitMs)
      const begunAt = performance.now()
      const now = await this.#look()
      const tookMs = performance.now() - begunAt
      waitMs = Math.max(LOOK_INTERVAL_MS, now.size * INTERVAL_PER_FILE_MS, tookMs)
      if (isSame(now, await this.#seen)) continue
      this.#seen = Promise.resolve(await this.#lookWhenQuiet(now))
      if (!this.#isStopped) await onChange()
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  async #lookWhenQuiet(first: Seen): Promise<Seen> {
    const begunAt = performance.now()
    let last = first
    while (performance.now() - begunAt < MAX_UNQUIET_MS) {
      await Bun.sleep(QUIET_MS)
      const next = await this.#look()
      if (isSame(next, last)) return next
      last = next
    }
    return last
  }

  async #look(): Promise<Seen> {
    return describeAll([...(await filesBelow(this.#dir)), ...packagesAbove(this.#dir), ...this.#others])
  }
}

const isSame = (now: Seen, before: Seen): boolean =>
  now.size === before.size && [...now].every(([path, text]) => before.get(path) === text)

/** Finds the files of a folder and of those below it, without packages and hidden files. */
async function filesBelow(dir: string, found: string[] = []): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue
    if (found.length >= MAX_FILES) break
    const path = join(dir, entry.name)
    if (entry.isDirectory()) await filesBelow(path, found)
    else found.push(path)
  }
  return found
}

/** Returns the paths that change when packages are installed that modules of a folder can import: npm writes the second kind. */
function packagesAbove(dir: string): readonly string[] {
  const folders = [dir]
  for (let at = dir; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at))
  return folders.flatMap((folder) => {
    const packages = join(folder, "node_modules")
    return [packages, join(packages, ".package-lock.json")]
  })
}

/** @param unreadSince files that have changed since then count as changed at the next look. Default: none do */
async function describeAll(paths: readonly string[], unreadSince = Number.POSITIVE_INFINITY): Promise<Seen> {
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await describe(path, unreadSince)] as const)),
  )
}

async function describe(path: string, unreadSince: number): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path)
    if (Math.max(mtimeMs, ctimeMs) >= unreadSince) return `${path} unread`
    return `${path} ${mtimeMs} ${ctimeMs} ${size} ${ino}`
  } catch {
    // It is being replaced, or is a link to nothing: the next look finds what becomes of it.
    return `${path} gone`
  }
}
