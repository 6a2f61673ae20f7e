import { closeSync, copyFileSync, ftruncateSync, mkdirSync, openSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fillWith } from "./small-disk.ts"
import { temporaryFolder } from "./temporary-folder.ts"

export interface LoopDiskOptions {
  /** Size of the disk, in MiB. */
  readonly sizeMiB: number
  /** How much of it is backed by space, in MiB. Default: all. */
  readonly backedMiB?: number
}

/**
 * A real block device with a real file system: ext4 on a loop device, whose image is a file on a tmpfs. When
 * that tmpfs is full, writes to blocks that were never written fail with real I/O errors. Needs root.
 */
export class LoopDisk implements Disposable {
  readonly #folder = temporaryFolder()
  readonly #undo: (() => void)[] = [() => this.#folder[Symbol.dispose]()]

  /** @throws if this user may not mount. */
  static make({ sizeMiB, backedMiB = sizeMiB + 1 }: LoopDiskOptions): LoopDisk {
    return new LoopDisk(backedMiB, (image) => {
      const file = openSync(image, "w")
      ftruncateSync(file, sizeMiB * 1_048_576)
      closeSync(file)
      run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", image)
    })
  }

  private constructor(backedMiB: number, makeImage: (image: string) => void) {
    try {
      for (const folder of [this.#backing, this.path]) mkdirSync(folder)
      run("mount", "-t", "tmpfs", "-o", `size=${backedMiB}m`, "tmpfs", this.#backing)
      this.#undo.push(() => run("umount", "--lazy", this.#backing))
      makeImage(this.#image)
      run("mount", "-o", "loop", this.#image, this.path)
      this.#undo.push(() => run("umount", "--lazy", this.path))
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** The mount point. */
  get path(): string {
    return join(this.#folder.path, "disk")
  }

  /** Makes writes to blocks that were never written fail. */
  breakDown(): void {
    fillWith(this.#filler)
  }

  heal(): void {
    rmSync(this.#filler)
  }

  /**
   * Returns the disk as a power loss now would leave it: the content of the device, without data that the
   * kernel still holds in memory. Replays the journal of its file system. Nothing may write to the disk
   * meanwhile.
   */
  afterPowerLoss(): LoopDisk {
    return new LoopDisk(this.#sizeMiB, (image) => copyFileSync(this.#image, image))
  }

  get #sizeMiB(): number {
    return Math.ceil(Bun.file(this.#image).size / 1_048_576) + 1
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo()
  }

  get #backing(): string {
    return join(this.#folder.path, "backing")
  }

  get #image(): string {
    return join(this.#backing, "image")
  }

  get #filler(): string {
    return join(this.#backing, "filler")
  }
}

function run(command: string, ...args: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([command, ...args])
  if (success) return
  throw new Error(
    `a disk is tried on a loop device, which needs root and loop devices; ${command}: ${stderr}`,
  )
}
