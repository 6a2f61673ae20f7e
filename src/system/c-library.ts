import { dlopen, type FFIFunction, type Library } from "bun:ffi"

/** File names of the C library in glibc, musl and macOS. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libSystem.B.dylib"]

/**
 * Loads functions of the C library that Node.js and Bun don't provide. Returns null if the library was not
 * found.
 */
export function fromCLibrary<Fns extends Record<string, FFIFunction>>(
  functions: Fns,
): Library<Fns>["symbols"] | null {
  for (const name of NAMES) {
    try {
      return dlopen(name, functions).symbols
    } catch {
      // The C library has another name on this system: try the next one.
    }
  }
  return null
}
