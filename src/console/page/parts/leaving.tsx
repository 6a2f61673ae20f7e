import type { JSX } from "preact"
import { useRef, useState } from "preact/hooks"
import { sayError } from "../api/problem.ts"
import { say } from "../state/toasts.ts"
import { Button } from "./button.tsx"
import { Dialog } from "./dialog.tsx"

export interface Leaving {
  /** Closes the dialog, after a question if something was typed. */
  readonly leave: () => void
  /** Sends what was typed. Meanwhile the dialog closes without a question; a fault is then said elsewhere. */
  readonly send: (work: () => Promise<void>) => Promise<void>
  /** Belongs into the dialog. */
  readonly question: JSX.Element | null
}

/** Asks before a dialog closes in which something was typed. @param close closes it without a question */
export function useLeaving(isTyped: boolean, close: () => void): Leaving {
  const [isAsked, setAsked] = useState(false)
  const isSending = useRef(false)
  const hasLeft = useRef(false)
  const stay = (): void => setAsked(false)
  const go = (): void => {
    hasLeft.current = true
    close()
  }
  return {
    leave: () => (isTyped && !isSending.current ? setAsked(true) : go()),
    send: async (work) => {
      isSending.current = true
      try {
        await work()
      } catch (error) {
        if (!hasLeft.current) throw error
        say(sayError(error), true)
      } finally {
        isSending.current = false
      }
    },
    question: isAsked ? (
      <Dialog title="Discard what you typed?" onClose={stay}>
        <p class="prose">Nothing has been sent, and the text is not kept.</p>
        <div class="actions end">
          <Button kind="primary" onClick={stay}>
            Keep editing
          </Button>
          <Button onClick={go}>Discard</Button>
        </div>
      </Dialog>
    ) : null,
  }
}
