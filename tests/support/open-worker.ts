/** The real worker, except that its handlers can access the private port through the global `port`. */
import "../../src/workers/inside/worker.ts"
import type { WorkerStart } from "../../src/workers/messages.ts"

declare const self: Worker

self.addEventListener(
  "message",
  ({ data }: MessageEvent<WorkerStart>) => Object.assign(globalThis, { port: data.port }),
  { once: true },
)
