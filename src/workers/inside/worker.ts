/** Entry point of a worker. It loads every handler module and runs their functions, and nothing else. */
import { AsyncLocalStorage } from "node:async_hooks"
import { summarizeError } from "../../event/failure.ts"
import type { ModuleFile } from "../../handlers/module-files.ts"
import type { ModuleFault } from "../../handlers/module-load-error.ts"
import { locateIn } from "../../handlers/option-position.ts"
import { nextTurn } from "../../system/next-turn.ts"
import { JobBoard } from "../job-board.ts"
import { MessageBatcher } from "../message-batcher.ts"
import type { FromWorker, HandlerOutcome, ToWorker, WorkerStart } from "../messages.ts"
import { PriorityQueue } from "../priority-queue.ts"
import { passOwnEnvironment } from "./child-environment.ts"
import {
  describeModule,
  explainExport,
  isBatchModule,
  isHandlerModule,
  type LoadedModule,
} from "./describe-module.ts"
import { captureConsole } from "./handler-console.ts"
import { explainExit, explainLoadFailure } from "./load-failure.ts"
import { beforeExit, guardProcess } from "./process-guard.ts"
import { PublishCalls } from "./publish-calls.ts"
import { runBatch } from "./run-batch.ts"
import { runEvent } from "./run-event.ts"
import { RunScope } from "./run-scope.ts"
import { WorkerLog } from "./worker-log.ts"

declare const self: Worker

type RunMessage = Extract<ToWorker, { kind: "run" | "run-batch" }>

/** Time in milliseconds after which the worker looks for new messages, before it calls the next function. */
const TURN_MS = 2

let post: (messages: readonly FromWorker[]) => void = () => {}
const batcher = new MessageBatcher<FromWorker>((messages) => post(messages))
const tell = (message: FromWorker): void => batcher.sendNow(message)

const publishCalls = new PublishCalls(tell)
const log = new WorkerLog(tell)
/** The job whose function is running, also after an `await`. */
const currentJob = new AsyncLocalStorage<number>()
const waiting = new PriorityQueue<RunMessage>()
const runs = new Map<number, RunScope>()
let modules: readonly LoadedModule[] = []
let board = JobBoard.withSlots(0)
/** The module that is being imported; null before the first and after the last one. */
let loading: ModuleFile | null = null

guardProcess()
beforeExit(() => {
  if (loading !== null) tellLoadFailure(loading, explainExit(loading.path))
})
passOwnEnvironment()
captureConsole((level, text) => log.write(currentJob.getStore() ?? null, level, text, "{}"))

/** The port comes before any module is loaded, and no module can reach it. */
self.onmessage = ({ data: { port } }: MessageEvent<WorkerStart>): void => {
  self.onmessage = null
  post = port.postMessage.bind(port)
  port.onmessage = ({ data }: { readonly data: readonly ToWorker[] }): void => {
    for (const message of data) receive(message)
    startWaiting()
  }
}

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "load":
      board = JobBoard.over(message.board)
      log.useBudget(message.logBudget)
      void load(message.files)
      break
    case "run":
    case "run-batch":
      waiting.push(message, message.priority)
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

/**
 * Starts waiting jobs. Pauses for new messages, so that busy functions do not all run before a more important event.
 */
function startWaiting(): void {
  const since = performance.now()
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    void start(next)
    if (waiting.size > 0 && performance.now() - since > TURN_MS) {
      setImmediate(startWaiting)
      return
    }
  }
}

process.on("uncaughtException", crash)
process.on("unhandledRejection", crash)

/** Reports an uncaught error and ends the worker: the state that the error left behind can't be trusted. */
function crash(error: unknown): void {
  if (loading !== null) tellLoadFailure(loading, explainLoadFailure(error, loading.path))
  tell({ kind: "crashing", error: summarizeError(error) })
  process.exit(1)
}

/** Reports why a module can't be loaded. The service ends, or tries again, so nothing else is loaded. */
function tellLoadFailure({ name }: ModuleFile, fault: ModuleFault): void {
  loading = null
  tell({ kind: "load-failed", file: name, fault })
}

async function load(files: readonly ModuleFile[]): Promise<void> {
  const loaded: LoadedModule[] = []
  const descriptions = []
  for (const file of files) {
    const { name, path } = file
    loading = file
    tell({ kind: "loading", file: name })
    try {
      const imported: { default?: unknown } = await import(path)
      // A promise that the module leaves rejected ends the worker now, while its module can still be named.
      await nextTurn()
      if (!isHandlerModule(imported.default)) {
        const message = explainExport(imported.default)
        return tellLoadFailure(file, { message, at: locateIn([file])(name, []) })
      }
      loaded.push(imported.default)
      descriptions.push(describeModule(name, imported.default))
    } catch (error) {
      return tellLoadFailure(file, explainLoadFailure(error, path))
    }
  }
  loading = null
  modules = loaded
  tell({ kind: "loaded", modules: descriptions })
}

async function start(message: RunMessage): Promise<void> {
  const { job, slot } = message
  board.begin(slot)
  const begunAt = performance.now()
  const outcome = await currentJob.run(job, () => run(message))
  const durationMs = performance.now() - begunAt
  runs.delete(job)
  if (outcome.kind !== "done") return tell({ kind: "settled", job, outcome, durationMs })
  // The board has the result, so nothing is lost if another handler ends this worker before the message leaves.
  board.finish(slot)
  batcher.send({ kind: "settled", job, outcome, durationMs })
}

async function run(message: RunMessage): Promise<HandlerOutcome> {
  const module = modules[message.module]
  const scope = new RunScope(message, { publishCalls, log, tell })
  runs.set(message.job, scope)
  if (module !== undefined && message.kind === "run" && !isBatchModule(module)) {
    const handler = functionOf(module.on, message.handler)
    if (handler !== undefined) return runEvent(scope, message, handler)
  }
  if (module !== undefined && message.kind === "run-batch" && isBatchModule(module)) {
    const handler = functionOf(module.on, message.handler)
    if (handler !== undefined) return runBatch(scope, message, handler)
  }
  // The files may have changed since the pool read them.
  const error = { name: "Error", message: `the module has no function for ${message.handler} any more` }
  return { kind: "failed", error, isPermanent: false }
}

/** Returns the module's own function; undefined for inherited ones, such as `constructor`. */
function functionOf<Function>(on: Readonly<Record<string, Function>>, name: string): Function | undefined {
  const handler = on && Object.hasOwn(on, name) ? on[name] : undefined
  return typeof handler === "function" ? handler : undefined
}
