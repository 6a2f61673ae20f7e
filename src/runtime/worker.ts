/** The entry point of a worker: it loads every handler module and runs their functions, and nothing else. */
import { summarizeError } from "../event/failure.ts"
import { describeModule, isHandlerModule } from "./describe-module.ts"
import type { HandlerModule } from "./handler-module.ts"
import { JobBoard } from "./job-board.ts"
import type { FromWorker, ModuleFile, ToWorker } from "./messages.ts"
import { Outbox } from "./outbox.ts"
import { PublishCalls } from "./publish-calls.ts"
import { Run } from "./run.ts"

declare const self: Worker

const outbox = new Outbox<FromWorker>((messages) => self.postMessage(messages))
const tell = (message: FromWorker): void => outbox.sendNow(message)

const publishCalls = new PublishCalls(tell)
const runs = new Map<number, Run>()
let modules: readonly HandlerModule[] = []
let board = JobBoard.withSlots(0)

self.onmessage = ({ data }: MessageEvent<readonly ToWorker[]>): void => {
  for (const message of data) receive(message)
}

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "load":
      board = JobBoard.over(message.board)
      void load(message.files)
      break
    case "run":
      void start(message)
      break
    case "abort":
      tell({ kind: "abort-seen", job: message.job })
      runs.get(message.job)?.abort(message.reason)
      break
    case "published":
      publishCalls.resolve(message.call, message.event)
      break
    case "publish-failed":
      publishCalls.reject(message.call, message.error)
      break
  }
}

process.on("uncaughtException", crash)
process.on("unhandledRejection", crash)

/** Says why before it ends: state that an uncaught error left behind is not to be trusted with more events. */
function crash(error: unknown): void {
  tell({ kind: "crashing", error: summarizeError(error) })
  process.exit(1)
}

async function load(files: readonly ModuleFile[]): Promise<void> {
  const loaded: HandlerModule[] = []
  const descriptions = []
  for (const { name, path } of files) {
    try {
      const imported: { default?: unknown } = await import(path)
      if (!isHandlerModule(imported.default)) {
        tell({ kind: "load-failed", file: name, reason: "has no default export of a handler module" })
        return
      }
      loaded.push(imported.default)
      descriptions.push(describeModule(name, imported.default))
    } catch (error) {
      const { name: errorName, message } = summarizeError(error)
      tell({ kind: "load-failed", file: name, reason: `${errorName}: ${message}` })
      return
    }
  }
  modules = loaded
  tell({ kind: "loaded", modules: descriptions })
}

async function start(message: Extract<ToWorker, { kind: "run" }>): Promise<void> {
  const { job, slot } = message
  board.begin(slot)
  // The files may have changed since the pool learned what is in them.
  const handler = modules[message.module]?.on?.[message.handler]
  if (typeof handler !== "function") {
    const error = { name: "Error", message: `the module has no function for ${message.handler} any more` }
    tell({ kind: "settled", job, outcome: { kind: "failed", error, isPermanent: false } })
    return
  }
  const run = new Run(message, publishCalls, tell)
  runs.set(job, run)
  const outcome = await run.call(handler)
  runs.delete(job)
  if (outcome.kind !== "done") return tell({ kind: "settled", job, outcome })
  // It is on the board: should another handler end this worker before the message leaves, nothing is lost.
  board.finish(slot)
  outbox.send({ kind: "settled", job, outcome })
}
