import { constants, fstatSync, openSync, type Stats, writeSync } from "node:fs"

const STDOUT = 1

/** Writes as many of the bytes as it can at once, and returns how many; 0 while nobody reads. Never throws. */
export type WriteSome = (bytes: Uint8Array) => number

/**
 * Opens standard output so that a write never waits for its reader.
 *
 * A pipe or a terminal is opened again with `O_NONBLOCK`, because the flag on descriptor 1 itself would bind every
 * process that shares it. An output that can't be opened again (a socket, such as systemd's journal, or one of another
 * user) gets the flag. A file needs nothing, because it has no reader to wait for.
 */
export function openStandardOutput(): WriteSome {
  const descriptor = nonBlockingDescriptor()
  return (bytes) => {
    try {
      return writeSync(descriptor, bytes)
    } catch {
      // EAGAIN while nobody reads. A closed pipe (EPIPE), a lost terminal (EIO) and a full disk (ENOSPC) can be repaired
      // too, and a log that can't be written must not end the service.
      return 0
    }
  }
}

function nonBlockingDescriptor(): number {
  const stats = statsOf(STDOUT)
  if (stats === null || stats.isFile()) return STDOUT
  if (!stats.isSocket()) {
    try {
      return openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    } catch {
      // It belongs to another user, or the system has no /proc.
    }
  }
  // Bun has no fcntl, but sets O_NONBLOCK on a pipe or a socket when it makes a writer for it. The writer is not used.
  keptWriters.push(Bun.stdout.writer())
  return STDOUT
}

/** Kept, because a writer that is garbage-collected can close its descriptor. */
const keptWriters: Bun.FileSink[] = []

function statsOf(descriptor: number): Stats | null {
  try {
    return fstatSync(descriptor)
  } catch {
    return null
  }
}
