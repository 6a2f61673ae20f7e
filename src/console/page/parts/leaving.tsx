import type { JSX } from "preact"
import { useState } from "preact/hooks"
import { Button } from "./button.tsx"
import { Dialog } from "./dialog.tsx"

export interface Leaving {
  /** Closes the dialog, after a question if something was typed. */
  readonly leave: () => void
  /** Belongs into the dialog. */
  readonly question: JSX.Element | null
}

/** Asks before a dialog closes in which something was typed. @param close closes it without a question */
export function useLeaving(isTyped: boolean, close: () => void): Leaving {
  const [isAsked, setAsked] = useState(false)
  const stay = (): void => setAsked(false)
  return {
    leave: () => (isTyped ? setAsked(true) : close()),
    question: isAsked ? (
      <Dialog title="Discard what you typed?" onClose={stay}>
        <p class="prose">Nothing has been sent, and the text is not kept.</p>
        <div class="actions end">
          <Button kind="primary" onClick={stay}>
            Keep editing
          </Button>
          <Button onClick={close}>Discard</Button>
        </div>
      </Dialog>
    ) : null,
  }
}
