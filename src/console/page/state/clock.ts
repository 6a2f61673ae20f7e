import { Store, useStore } from "./store.ts"

/** Difference to the clock of the service, in seconds, up to which both count as equal: answers take time, and are shared. */
const TOLERANCE = 3

let aheadBy = 0

/** Returns the time by the clock of the service, in seconds since the epoch: that of a browser can be hours off. */
export const now = (): number => Date.now() / 1_000 + aheadBy

/** Learns what time the service has. @param at in seconds since the epoch */
export function setServiceTime(at: number): void {
  const difference = at - Date.now() / 1_000
  aheadBy = Math.abs(difference) < TOLERANCE ? 0 : difference
}

const clock = new Store(now())
setInterval(() => {
  if (document.visibilityState === "visible") clock.set(now())
}, 1_000)

/** Returns the time in seconds since the epoch, and renders again each second. */
export const useNow = (): number => useStore(clock)
