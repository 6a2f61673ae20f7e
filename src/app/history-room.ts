import { dirname, resolve } from "node:path"
import type { Config } from "../config.ts"
import { volumeOf } from "../system/volume.ts"

/** Part of its volume that a history may take, so that it does not take the room that publishes need. */
const VOLUME_PART = 1 / 8

/** A volume's part is a multiple of it, so that instances on volumes of about one size declare the same stream. */
const MEBIBYTE = 1_048_576

/** Smallest bound of a history, in bytes: that of HISTORY_MAX_BYTES. */
const MIN_BYTES = 16_777_216

/** Returns the bound of the history in bytes, on the disk and on RabbitMQ; null if there is none, or its volume is too small for one. */
export function historyBytes(
  config: Pick<Config, "HISTORY" | "HISTORY_MAX_BYTES" | "DATA_DIR">,
): number | null {
  if (config.HISTORY === "off") return null
  const part = Math.floor((volumeBytes(resolve(config.DATA_DIR)) * VOLUME_PART) / MEBIBYTE) * MEBIBYTE
  const bytes = Math.min(config.HISTORY_MAX_BYTES, part)
  return bytes < MIN_BYTES ? null : bytes
}

/** Returns the size of a folder's volume, also before the folder exists; infinite if it is not known. */
function volumeBytes(folder: string): number {
  try {
    return volumeOf(folder).totalBytes
  } catch {
    const parent = dirname(folder)
    return parent === folder ? Number.POSITIVE_INFINITY : volumeBytes(parent)
  }
}
