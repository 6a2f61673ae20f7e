import type { ComponentChildren } from "preact"
import { Dialog } from "./dialog.tsx"
import { DialogForm } from "./dialog-form.tsx"

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
export const Confirm = ({ title, children, onConfirm, onClose, ...form }: ConfirmProps) => (
  <Dialog title={title} onClose={onClose}>
    <DialogForm
      {...form}
      onSubmit={async () => {
        await onConfirm()
        onClose()
      }}
      onClose={onClose}
    >
      <div class="prose">{children}</div>
    </DialogForm>
  </Dialog>
)
