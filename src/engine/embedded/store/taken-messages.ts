import type { StoredEvent } from "./checksum.ts"
import type { Message } from "./message-statements.ts"

/** A message with its event, as a consumer gets it. */
export type TakenMessage = Message & StoredEvent

/** A message whose event differs from what was stored. The message stays in its place. */
export interface CorruptMessage {
  readonly message: Message
  readonly eventId: string | null
  readonly fault: string
}

/** The messages at the front of a queue. */
export interface Taken {
  readonly messages: readonly TakenMessage[]
  readonly corrupt: readonly CorruptMessage[]
}
