import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Glob } from "bun"

/** Debian's libfaketime, where its package `faketime` is installed. */
const LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"

/** The wall clock of one process, which the test can set while it runs; its monotonic clock is the machine's. */
export class WallClock {
  readonly #file: string

  /** @param folder where the file is kept that the process reads its wall clock's offset from */
  constructor(folder: string) {
    this.#file = join(folder, "wall-clock")
    this.jumpTo(0)
  }

  /** What the process is to be started with. */
  get environment(): Readonly<Record<string, string>> {
    const [library] = new Glob(LIBRARY).scanSync({ cwd: "/", absolute: true })
    if (library === undefined)
      throw new Error("the wall clock is set by libfaketime: apt-get install faketime")
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // Otherwise files that it made would be seen as of another time.
      NO_FAKE_STAT: "1",
    }
  }

  /** Sets it, in seconds from the machine's. */
  jumpTo(offsetSeconds: number): void {
    writeFileSync(this.#file, `${offsetSeconds < 0 ? "-" : "+"}${Math.abs(offsetSeconds)}`)
  }
}
