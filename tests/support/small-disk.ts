import { appendFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "./temporary-folder.ts"

const SIZE = "4m"
const BLOCK_BYTES = 4_096

/** A disk of a few megabytes that can be filled up. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Uses all remaining space. */
  fill(): void
  /** Frees that space. */
  free(): void
}

/** Mounts the disk, and unmounts it when it goes out of scope (`using`). Needs the right to mount. */
export function smallDisk(): SmallDisk {
  const folder = temporaryFolder()
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", folder.path])
  if (!mounted.success) {
    folder[Symbol.dispose]()
    throw new Error(`a full disk is tried on a tmpfs, and this user may not mount one: ${mounted.stderr}`)
  }
  const filler = join(folder.path, "filler")
  return {
    path: folder.path,
    fill: () => fillWith(filler),
    free: () => rmSync(filler),
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "--lazy", folder.path])
      folder[Symbol.dispose]()
    },
  }
}

export function fillWith(file: string): void {
  const block = Buffer.alloc(BLOCK_BYTES)
  try {
    while (true) appendFileSync(file, block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
  }
}
