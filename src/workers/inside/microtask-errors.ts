import { inMicrotask } from "../../system/intrinsics.ts"

/**
 * Catches errors of this thread's microtasks. Bun reports them without the call that queued them, and then they look like
 * errors that no function has caused.
 * @param onError called in the microtask
 */
export function catchInMicrotasks(onError: (error: unknown) => void): void {
  globalThis.queueMicrotask = (callback) => {
    if (typeof callback !== "function") {
      // The plain one refuses it.
      inMicrotask(callback)
      return
    }
    inMicrotask(() => {
      try {
        callback()
      } catch (error) {
        onError(error)
      }
    })
  }
}
