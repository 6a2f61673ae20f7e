import { fromCLibrary } from "./c-library.ts"

/** Source: flock(2). The values are the same on Linux and macOS. */
const LOCKS = { shared: 1, exclusive: 2 } as const
const LOCK_NB = 4

export type LockKind = keyof typeof LOCKS

/**
 * Takes a `flock` on an open file without waiting. The lock belongs to the descriptor and ends with it.
 * @returns whether it was taken; null if this system's C library was not found
 */
export function takeFlock(descriptor: number, kind: LockKind): boolean | null {
  const libc = fromCLibrary({ flock: { args: ["i32", "i32"], returns: "i32" } })
  return libc === null ? null : libc.flock(descriptor, LOCKS[kind] | LOCK_NB) === 0
}
