/** Entry of the thread that keeps the history's file. It receives a `start` message, then serves requests. */

import { lowerThreadPriority } from "../system/thread-priority.ts"
import { HistoryKeeper } from "./history-keeper.ts"
import type { HistoryAnswer, HistoryRequest } from "./messages.ts"

declare const self: Worker

/** Niceness of a thread that gives way to live traffic. */
const LOW_PRIORITY = 10

const answer = (message: HistoryAnswer): void => self.postMessage(message)

let keeper: HistoryKeeper | null = null

self.onmessage = ({ data }: MessageEvent<HistoryRequest>) => {
  if (data.kind === "start") {
    if (data.isLowPriority) lowerThreadPriority(LOW_PRIORITY)
    keeper = new HistoryKeeper(data, answer)
    keeper.open()
  } else keeper?.serve(data)
}
