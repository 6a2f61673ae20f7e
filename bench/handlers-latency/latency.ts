import { appendFileSync } from "node:fs"
import { machineTimeMs } from "../machine-time.ts"

/** Between two writes, so that writing does not disturb what is measured, in milliseconds. */
const FLUSH_MS = 200

let latencies: string[] = []

function flush(): void {
  appendFileSync(process.env["LATENCIES_FILE"] ?? "", `${latencies.join("\n")}\n`)
  latencies = []
}

/** Notes for each event that says when it was sent how many milliseconds ago that was, as its function starts. */
export default {
  queue: "voice_events",
  on: {
    "*": ({ payload }: { readonly payload: { readonly sent_at?: number } }) => {
      if (payload.sent_at === undefined) return
      const latency = machineTimeMs() - payload.sent_at
      if (latencies.length === 0) setTimeout(flush, FLUSH_MS)
      latencies.push(latency.toFixed(3))
    },
  },
}
