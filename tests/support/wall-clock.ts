import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Glob } from "bun"

/** Debian's libfaketime, from its package `faketime`. */
const LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"

/**
 * The wall clock of one process, which the test can set at runtime; the monotonic clock stays the machine's.
 */
export class WallClock {
  readonly #file: string

  /** @param folder folder of the file with the offset of the process's wall clock */
  constructor(folder: string) {
    this.#file = join(folder, "wall-clock")
    this.jumpTo(0)
  }

  /** Environment for the process. */
  get environment(): Readonly<Record<string, string>> {
    const [library] = new Glob(LIBRARY).scanSync({ cwd: "/", absolute: true })
    if (library === undefined)
      throw new Error("the wall clock is set by libfaketime: apt-get install faketime")
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // Otherwise the times of the process's files would be shifted, too.
      NO_FAKE_STAT: "1",
    }
  }

  /** Sets the wall clock to an offset from the machine's, in seconds. */
  jumpTo(offsetSeconds: number): void {
    writeFileSync(this.#file, `${offsetSeconds < 0 ? "-" : "+"}${Math.abs(offsetSeconds)}`)
  }
}
