import { fromCLibrary } from "./c-library.ts"

/** Source: setpriority(2). On Linux, process 0 is the calling thread; elsewhere it is the whole process. */
const PRIO_PROCESS = 0
const CALLER = 0

/**
 * Lowers the priority of the calling thread. It can't be raised again without privileges. Does nothing on systems other
 * than Linux, or if the C library was not found.
 * @param niceness from 1 to 19, the lowest
 */
export function lowerThreadPriority(niceness: number): void {
  if (process.platform !== "linux") return
  const libc = fromCLibrary({ setpriority: { args: ["i32", "u32", "i32"], returns: "i32" } })
  libc?.setpriority(PRIO_PROCESS, CALLER, niceness)
}
