import { useState } from "preact/hooks"
import { redriveEdited } from "../../api/calls.ts"
import { Dialog } from "../../parts/dialog.tsx"
import { DialogForm } from "../../parts/dialog-form.tsx"
import { checkJson, JsonField } from "../../parts/json-field.tsx"
import { useLeaving } from "../../parts/leaving.tsx"
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
  const [before] = useState(() => JSON.stringify(draft.payload ?? {}, null, 2))
  const [payload, setPayload] = useState(before)
  const { leave, send, question } = useLeaving(payload !== before, onClose)
  const redrive = async (): Promise<void> => {
    const edit = { id, ...(failedAt !== null && { last_failed_at: failedAt }) }
    await redriveEdited(queue, edit, checkJson(payload, "payload"))
    onClose()
    onDone()
  }
  return (
    <Dialog title={`Edit ${draft.type}.${draft.name} and redrive`} onClose={leave} isWide>
      <DialogForm action="Redrive" onSubmit={() => send(redrive)} onClose={leave}>
        <p class="prose">
          This moves <strong>1 event</strong> back to <code>{queue}</code> with this payload. It keeps its id,
          its attempts count from the start again, and other queues keep it as it was published.
        </p>
        <JsonField label="Payload, a JSON object" value={payload} onText={setPayload} />
      </DialogForm>
      {question}
    </Dialog>
  )
}
