import { useState } from "preact/hooks"
import { redriveEdited } from "../../api/calls.ts"
import { Dialog } from "../../parts/dialog.tsx"
import { DialogForm } from "../../parts/dialog-form.tsx"
import { JsonField, readJson } from "../../parts/json-field.tsx"
import type { Draft } from "../../publishing/publish-dialog.tsx"

export interface EditLetterProps {
  readonly queue: string
  readonly id: string
  /** When it failed last: an answer that is lost can be asked for again, and nothing happens twice. */
  readonly failedAt: number | null
  readonly draft: Draft
  readonly onDone: () => void
  readonly onClose: () => void
}

/** Edits the payload of a dead letter, and moves it back to its queue, in one step. */
export function EditLetter({ queue, id, failedAt, draft, onDone, onClose }: EditLetterProps) {
  const [payload, setPayload] = useState(() => JSON.stringify(draft.payload ?? {}, null, 2))
  const redrive = async (): Promise<void> => {
    await redriveEdited(queue, {
      id,
      ...(failedAt !== null && { last_failed_at: failedAt }),
      payload: readJson(payload, "payload"),
    })
    onDone()
  }
  return (
    <Dialog title={`Edit ${draft.type}.${draft.name} and redrive`} onClose={onClose} isWide>
      <DialogForm action="Redrive" onSubmit={redrive} onClose={onClose}>
        <p class="prose">
          This moves <strong>1 event</strong> back to <code>{queue}</code> with this payload. It keeps its id,
          its attempts count from the start again, and other queues keep it as it was published.
        </p>
        <JsonField label="Payload, a JSON object" value={payload} onText={setPayload} />
      </DialogForm>
    </Dialog>
  )
}
