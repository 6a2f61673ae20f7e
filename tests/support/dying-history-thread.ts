/** The history's thread, except that a lookup of `die` ends it, and one of `throw` fails outside of its code. */
import "../../src/history/history-thread.ts"
import type { HistoryRequest } from "../../src/history/messages.ts"

declare const self: Worker

const { onmessage } = self

self.onmessage = (event: MessageEvent<HistoryRequest>) => {
  const { data } = event
  const id = data.kind === "query" && data.call.name === "lookup" ? data.call.args[0] : ""
  if (id === "die") process.exit(1)
  if (id === "throw") throw new Error("thrown by the test")
  onmessage?.call(self, event)
}
