import { Store } from "./store.ts"

/** How long a message stays, in milliseconds. */
const SHOWN_MS = 6_000

export interface Toast {
  readonly id: number
  readonly text: string
  readonly isFault: boolean
}

export const toasts = new Store<readonly Toast[]>([])

let lastId = 0

/** Says what was done, for some seconds, or until somebody dismisses it. */
export function say(text: string, isFault = false, isKept = false): void {
  lastId++
  const toast = { id: lastId, text, isFault }
  toasts.set([...toasts.value.slice(-2), toast])
  if (!isKept) setTimeout(() => dismiss(toast.id), SHOWN_MS)
}

export function dismiss(id: number): void {
  toasts.set(toasts.value.filter((toast) => toast.id !== id))
}
