import { appendFileSync } from "node:fs"
import { machineTimeMs } from "../machine-time.ts"

/** Interval between writes, so that writing does not disturb the measurement, in milliseconds. */
const FLUSH_MS = 200

let latencies: string[] = []

function flush(): void {
  appendFileSync(process.env["LATENCIES_FILE"] ?? "", `${latencies.join("\n")}\n`)
  latencies = []
}

/**
 * Records, for each event with a send time, how many milliseconds ago it was sent, when its handler starts.
 */
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
