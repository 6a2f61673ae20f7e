/**
 * A process that starts the service with the variables of its environment, and stops it if it has started. Prints
 * `started` or the name of the error, and ends when nothing keeps it running.
 */
import { startApp } from "../../src/app.ts"
import { parseConfig } from "../../src/config.ts"
import { logFormat } from "../../src/telemetry/log-format.ts"
import { openLog } from "../../src/telemetry/logger.ts"

import { BUNDLING } from "./bundling.ts"

const urlOf = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href

try {
  const app = await startApp({
    config: parseConfig(process.env),
    isHandlersDirGiven: true,
    workerUrl: urlOf("workers/inside/worker.ts"),
    bundleCommand: BUNDLING.command,
    handlerEnvironment: {},
    startsWithoutModules: false,
    historyThreadUrl: urlOf("history/history-thread.ts"),
    syncThreadUrl: urlOf("engine/embedded/commit/sync-thread.ts"),
    log: openLog("ERROR", logFormat("json", {})),
  })
  process.stdout.write("started\n")
  await app.stop()
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.name : String(error)}\n`)
}
