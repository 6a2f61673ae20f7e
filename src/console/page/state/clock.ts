import { Store, useStore } from "./store.ts"

const clock = new Store(Date.now() / 1_000)
setInterval(() => {
  if (document.visibilityState === "visible") clock.set(Date.now() / 1_000)
}, 1_000)

/** Returns the time in seconds since the epoch, and renders again each second. */
export const useNow = (): number => useStore(clock)
