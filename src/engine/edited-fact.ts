import type { RedrivenFact } from "../event/history-fact.ts"
import type { EditedEvent } from "./dead-letter.ts"

/** Returns what the fact of a redrive tells of an edit; nothing if there was none. */
export const editedFact = (edited: EditedEvent | null): Pick<RedrivenFact, "edited" | "event"> =>
  edited === null
    ? {}
    : {
        edited: { failed_at: edited.failedAt, fingerprint: edited.fingerprint },
        event: edited.event,
      }
