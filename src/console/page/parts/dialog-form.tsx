import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { sayError } from "../api/problem.ts"
import { Button } from "./button.tsx"

export interface DialogFormProps {
  readonly children: ComponentChildren
  /** Label of the button that does it, and while it works. */
  readonly action: string
  readonly busyAction?: string
  readonly isDanger?: boolean
  /** False while something that it needs is missing. Default: true. */
  readonly isReady?: boolean
  /** A word that has to be typed first. */
  readonly typed?: string | undefined
  /** A fault of something else than the action itself; null if there is none. */
  readonly fault?: string | null
  /** Its rejection is shown, and the form stays. */
  readonly onSubmit: () => Promise<void> | void
  readonly onClose: () => void
}

/** The frame of what a dialog asks: its fields, why the action failed, and the buttons. */
export function DialogForm({
  children,
  action,
  busyAction = "Working …",
  isDanger = false,
  isReady = true,
  typed,
  fault = null,
  onSubmit,
  onClose,
}: DialogFormProps) {
  const [text, setText] = useState("")
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const isAllowed = isReady && !isBusy && (typed === undefined || text.replaceAll(",", "") === typed)
  const submit = async (): Promise<void> => {
    setBusy(true)
    setFailure(null)
    try {
      await onSubmit()
    } catch (error) {
      setFailure(sayError(error))
    }
    setBusy(false)
  }
  const shown = failure ?? fault
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isAllowed) void submit()
      }}
    >
      {children}
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
      {shown !== null && (
        <p class="fault" role="alert">
          {shown}
        </p>
      )}
      <div class="actions end">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind={isDanger ? "danger" : "primary"} isDisabled={!isAllowed}>
          {isBusy ? busyAction : action}
        </Button>
      </div>
    </form>
  )
}
