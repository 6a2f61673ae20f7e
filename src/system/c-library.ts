import { dlopen, type FFIFunction, type Library } from "bun:ffi"

/** The C library, by the names that glibc, musl and macOS give it. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libSystem.B.dylib"]

/** Functions of the C library for which Node.js and Bun have no call; null if this system's was not found. */
export function fromCLibrary<Fns extends Record<string, FFIFunction>>(
  functions: Fns,
): Library<Fns>["symbols"] | null {
  for (const name of NAMES) {
    try {
      return dlopen(name, functions).symbols
    } catch {
      // This system names its C library otherwise; the next name is tried.
    }
  }
  return null
}
