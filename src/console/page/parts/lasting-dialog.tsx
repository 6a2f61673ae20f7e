import type { JSX } from "preact"
import { Store, useStore } from "../state/store.ts"

interface Shown {
  readonly dialog: JSX.Element
}

const shown = new Store<Shown | null>(null)

/**
 * Shows a dialog that stays when the screen that opened it goes: the browser's Back drops nothing that was typed in it, and
 * stops nothing that it does.
 */
export function showDialog(make: (close: () => void) => JSX.Element): void {
  shown.set({ dialog: make(() => shown.set(null)) })
}

/** The place of the dialog, above all screens. */
export const LastingDialog = (): JSX.Element | null => useStore(shown)?.dialog ?? null
