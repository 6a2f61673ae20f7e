/** Entry of the thread that syncs the store. It receives one message, then serves requests. */

import { reasonOf } from "../../../system/reason-of.ts"
import { type KeptStore, LogKeeper, type SyncAnswer } from "./log-keeper.ts"
import { SyncRequest } from "./sync-request.ts"

declare const self: Worker

/** The message that starts the thread. */
export interface SyncStart extends KeptStore {
  readonly memory: SharedArrayBuffer
}

const answer = (message: SyncAnswer): void => self.postMessage(message)

self.onmessage = ({ data }: MessageEvent<SyncStart>) => {
  try {
    new LogKeeper(data).serve(new SyncRequest(data.memory), answer)
  } catch (error) {
    answer({ kind: "failed", reason: reasonOf(error) })
  }
}
