import type { ComponentChildren } from "preact"
import { useEffect, useId, useRef } from "preact/hooks"

export interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly isWide?: boolean
}

/**
 * A modal dialog. The browser keeps the focus in it, and gives it back when it closes.
 *
 * It closes only as `onClose` decides. Chromium closes a dialog by itself when Esc is pressed twice, without a word to a page
 * that has refused the first time, so Esc is taken as a key; a gesture of a phone has no key, and the dialog opens again.
 * @see https://html.spec.whatwg.org/multipage/interaction.html#close-request
 */
export function Dialog({ title, onClose, children, isWide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const isGone = useRef(false)
  useEffect(() => {
    const dialog = element.current
    const before = document.activeElement
    dialog?.showModal()
    return () => {
      isGone.current = true
      dialog?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={isWide ? "dialog wide" : "dialog"}
      aria-labelledby={titleId}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return
        event.preventDefault()
        event.stopPropagation()
        onClose()
      }}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClose={() => {
        if (!isGone.current) element.current?.showModal()
      }}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  )
}
