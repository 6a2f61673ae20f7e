import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { sayError } from "../api/problem.ts"
import { Button } from "./button.tsx"
import { Dialog } from "./dialog.tsx"

export interface ConfirmProps {
  readonly title: string
  /** Says what will happen, to how many events. */
  readonly children: ComponentChildren
  readonly action: string
  readonly isDanger?: boolean
  /** A word that has to be typed first. */
  readonly typed?: string
  readonly isReady?: boolean
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
}

/** Asks before something happens, and shows why it failed. Closes when it is done. */
export function Confirm({
  title,
  children,
  action,
  isDanger,
  typed,
  isReady = true,
  onConfirm,
  onClose,
}: ConfirmProps) {
  const [text, setText] = useState("")
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const confirm = async (): Promise<void> => {
    setBusy(true)
    setFault(null)
    try {
      await onConfirm()
      onClose()
    } catch (error) {
      setFault(sayError(error))
      setBusy(false)
    }
  }
  const isAllowed = isReady && !isBusy && (typed === undefined || text === typed)
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isAllowed) void confirm()
        }}
      >
        <div class="prose">{children}</div>
        {typed !== undefined && (
          <label class="field">
            <span>
              Type <code>{typed}</code> to confirm
            </span>
            <input
              value={text}
              autoComplete="off"
              spellcheck={false}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
        )}
        {fault !== null && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={isDanger ? "danger" : "primary"} isDisabled={!isAllowed}>
            {isBusy ? "Working …" : action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
