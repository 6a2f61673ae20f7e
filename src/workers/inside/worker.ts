/** Entry point of a worker. It loads every handler module and runs their functions, and nothing else. */
import { AsyncLocalStorage } from "node:async_hooks"
import type { ModuleFile } from "../../handlers/module-files.ts"
import type { ModuleFault } from "../../handlers/module-load-error.ts"
import { locateIn } from "../../handlers/option-position.ts"
import { nameValue } from "../../handlers/value-kind.ts"
import { hasOwn, inNextTurn, now, OwnMap } from "../../system/intrinsics.ts"
import { nextTurn } from "../../system/next-turn.ts"
import { JobBoard } from "../job-board.ts"
import { MessageBatcher } from "../message-batcher.ts"
import type {
  CallSummary,
  FromWorker,
  HandlerOutcome,
  LastWords,
  ToWorker,
  WorkerStart,
} from "../messages.ts"
import { PriorityQueue } from "../priority-queue.ts"
import { passOwnEnvironment } from "./child-environment.ts"
import { CpuMeter, threadCpuMs } from "./cpu-meter.ts"
import {
  describeModule,
  explainExport,
  isBatchModule,
  isHandlerModule,
  type LoadedModule,
} from "./describe-module.ts"
import { captureConsole } from "./handler-console.ts"
import { lastWords, ProcessExit } from "./last-words.ts"
import { explainExit, explainLoadFailure } from "./load-failure.ts"
import { loadersIn } from "./loaders.ts"
import { heapBytes, MemoryWatch } from "./memory-watch.ts"
import { MeteredFunctions } from "./metered-functions.ts"
import { catchInMicrotasks } from "./microtask-errors.ts"
import { type HoldingModule, hasTeardown, setupOf, tearDown } from "./module-hooks.ts"
import { beforeExit, guardProcess } from "./process-guard.ts"
import { findBrokenThen, PromiseWatch } from "./promise-watch.ts"
import { PublishCalls } from "./publish-calls.ts"
import { runBatch } from "./run-batch.ts"
import { runEvent } from "./run-event.ts"
import { RunScope } from "./run-scope.ts"
import { WorkerLog } from "./worker-log.ts"

declare const self: Worker

type RunMessage = Extract<ToWorker, { kind: "run" | "run-batch" }>
type AbortMessage = Extract<ToWorker, { kind: "abort" }>

/** Time in milliseconds after which the worker looks for new messages, before it calls the next function. */
const TURN_MS = 2

const NONSENSE =
  "a function returned a value without a meaning, and its events count as handled: return nothing, ctx.retry() or ctx.deadLetter()"

const BREAKS_WORKER =
  "the worker's own code failed while it was loaded: it probably replaces a built-in, such as a method of Array"

let post: (messages: readonly FromWorker[]) => void = () => {}
const batcher = new MessageBatcher<FromWorker>((messages) => post(messages))
const tell = (message: FromWorker): void => batcher.sendNow(message)

const beat = (slot: number): void => board.beat(slot)

const publishCalls = new PublishCalls(tell)
const log = new WorkerLog(tell)
/** The call whose function is running, also after an `await`, and in timers that it sets. */
const calls = new AsyncLocalStorage<RunScope>()
const currentCall = calls.getStore.bind(calls)
const inCall: typeof calls.run = calls.run.bind(calls)
const promises = new PromiseWatch((error) => breakDown(error))
const waiting = new PriorityQueue<RunMessage>()
const cpu = new CpuMeter()
const metered = new MeteredFunctions(cpu)
const runs = new OwnMap<number, RunScope>()
/** Functions that have returned a value without a meaning, each of which is told once. */
const nonsensical = new OwnMap<unknown, true>()
let files: readonly ModuleFile[] = []
let generation = ""
let modules: readonly LoadedModule[] = []
/** Modules that hold what their `teardown` releases. */
const holding: HoldingModule[] = []
/** True once the modules have to release what they hold. No other is set up then. */
let isEnding = false
let board = JobBoard.withSlots(0)
let memoryLimitBytes = 0
const memory = new MemoryWatch({
  limitBytes: () => memoryLimitBytes,
  isBusy: () => runs.size > 0,
  onExceeded: (heapBytes) => tell({ kind: "memory-exceeded", heapBytes }),
})
/** The module that is being imported; null before the first and after the last one. */
let loading: ModuleFile | null = null

guardProcess()
const exit = beforeExit((code, name) => {
  if (loading !== null) tellLoadFailure(loading, explainExit(loading.path))
  tellLastWords("exit", new ProcessExit(code, name))
})
passOwnEnvironment()
catchInMicrotasks((error) => crash("error", error))
captureConsole((level, text) => log.write(currentCall() ?? null, level, text, "{}"))

/** The port comes before any module is loaded, and no module can reach it. */
self.onmessage = ({ data: { port } }: MessageEvent<WorkerStart>): void => {
  self.onmessage = null
  post = port.postMessage.bind(port)
  port.onmessage = ({ data }: { readonly data: readonly ToWorker[] }): void =>
    guarded(() => {
      promises.look()
      for (const message of data) receive(message)
      startWaiting()
    })
}

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "load":
      board = JobBoard.over(message.board)
      log.useBudget(message.logBudget)
      memoryLimitBytes = message.memoryLimitBytes
      files = message.files
      generation = message.generation
      load(message.code).catch(breakDown)
      break
    case "run":
    case "run-batch":
      waiting.push(message, message.priority)
      break
    case "tear-down":
      isEnding = true
      tearDown(holding, log)
        .then(() => tell({ kind: "torn-down" }))
        .catch(breakDown)
      break
    case "abort":
      abort(message)
      break
    case "measure":
      tell({ kind: "measured", heapBytes: heapBytes(), cpuMs: threadCpuMs() })
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
 * Aborts a call. If promises may no longer settle, it first waits until that is known: the call is not to blame then, and
 * an error from its signal would use up its attempt.
 */
function abort(message: AbortMessage): void {
  if (promises.isInDoubt) {
    inNextTurn(() => guarded(() => abort(message)))
    return
  }
  tell({ kind: "abort-seen", job: message.job })
  runs.get(message.job)?.abort(message.reason)
}

/**
 * Starts waiting jobs. Pauses for new messages, so that busy functions do not all run before a more important event.
 */
function startWaiting(): void {
  const since = now()
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    void start(next)
    if (waiting.size > 0 && now() - since > TURN_MS) {
      inNextTurn(() => guarded(startWaiting))
      return
    }
  }
}

process.on("uncaughtException", (error) => crash("error", error))
process.on("unhandledRejection", (error) => crash("rejection", error))

/** Reports an uncaught error and ends the worker: the state that the error left behind can't be trusted. */
function crash(cause: LastWords["cause"], error: unknown): void {
  if (loading !== null) tellLoadFailure(loading, explainLoadFailure(error, loading.path))
  tellLastWords(cause, error)
  exit(1)
}

/** Calls a part of the worker's own code. */
function guarded(run: () => void): void {
  try {
    run()
  } catch (error) {
    breakDown(error)
  }
}

/**
 * Ends the worker after an error in its own code, which is no event's fault: a handler module has probably replaced a
 * built-in, such as `Array.prototype.map`.
 */
function breakDown(error: unknown): void {
  try {
    if (loading !== null) tellLoadFailure(loading, { message: BREAKS_WORKER, at: null })
    tellLastWords("own-code", error)
  } finally {
    exit(1)
  }
}

function tellLastWords(cause: LastWords["cause"], error: unknown): void {
  const words = lastWords(cause, error, currentCall() ?? null, files)
  tell({ kind: "crashing", ...words })
}

/** Reports why a module can't be loaded. The service ends, or tries again, so nothing else is loaded. */
function tellLoadFailure({ name }: ModuleFile, fault: ModuleFault): void {
  loading = null
  tell({ kind: "load-failed", file: name, fault })
}

async function load(code: string): Promise<void> {
  const loaded: LoadedModule[] = []
  const descriptions = []
  const loaders = await loadersIn(code)
  for (const [place, file] of files.entries()) {
    if (isEnding) return
    const { name, path } = file
    loading = file
    tell({ kind: "loading", file: name })
    try {
      const imported = (await loaders[place]?.()) ?? {}
      // A promise that the module leaves rejected ends the worker now, while its module can still be named.
      await nextTurn()
      const broken = await findBrokenThen()
      if (broken !== null) {
        return tellLoadFailure(file, {
          message: `replaces ${broken}, and promises no longer settle`,
          at: null,
        })
      }
      if (!isHandlerModule(imported.default)) {
        const message = explainExport(imported.default)
        return tellLoadFailure(file, { message, at: locateIn([file])(name, []) })
      }
      loaded.push(imported.default)
      if (setupOf(imported.default) === null) hold(imported.default, file)
      descriptions.push(describeModule(name, imported.default))
    } catch (error) {
      return tellLoadFailure(file, explainLoadFailure(error, path))
    }
  }
  for (const [place, module] of loaded.entries()) {
    const file = files[place]
    const setUp = setupOf(module)
    if (setUp === null || file === undefined) continue
    if (isEnding) return
    loading = file
    tell({ kind: "loading", file: file.name })
    if (hasTeardown(module)) tell({ kind: "holding" })
    const fault = await setUp(file)
    if (fault !== null) return tellLoadFailure(file, fault)
    hold(module, file)
  }
  loading = null
  modules = loaded
  tell({ kind: "loaded", modules: descriptions })
}

/** Notes that a module has something to release before the worker ends. A message of its own says so before the setup. */
function hold(module: LoadedModule, file: ModuleFile): void {
  if (!hasTeardown(module)) return
  holding.push({ module, file })
  tell({ kind: "holding" })
}

/** Runs a job. Never rejects. */
async function start(message: RunMessage): Promise<void> {
  try {
    await runAndTell(message)
  } catch (error) {
    breakDown(error)
  }
}

async function runAndTell(message: RunMessage): Promise<void> {
  const { job, slot } = message
  const scope = new RunScope(message, describeCall(message), { publishCalls, log, tell, beat, promises })
  runs.set(job, scope)
  memory.begin()
  board.begin(slot)
  const called = metered.of(message.module, message.handler)
  cpu.begin(called)
  const begunAt = now()
  const running = inCall(scope, () => run(scope, message))
  cpu.pause(called)
  const outcome = await running
  const durationMs = now() - begunAt
  const cpuTime = cpu.end(called)
  runs.delete(job)
  if (outcome.kind !== "done") return tell({ kind: "settled", job, outcome, durationMs, cpuTime })
  // The board has the result, so nothing is lost if another handler ends this worker before the message leaves.
  board.finish(slot)
  batcher.send({ kind: "settled", job, outcome, durationMs, cpuTime })
}

const describeCall = (message: RunMessage): Omit<CallSummary, "eventId"> => ({
  generation,
  module: files[message.module]?.name ?? "",
  queue: message.queue,
  attempt: message.kind === "run" ? message.attempt : null,
})

async function run(scope: RunScope, message: RunMessage): Promise<HandlerOutcome> {
  const module = modules[message.module]
  if (module !== undefined && message.kind === "run" && !isBatchModule(module)) {
    const handler = functionOf(module.on, message.handler)
    if (handler !== undefined)
      return runEvent(scope, message, handler, (returned) => warnOfNonsense(scope, handler, returned))
  }
  if (module !== undefined && message.kind === "run-batch" && isBatchModule(module)) {
    const handler = functionOf(module.on, message.handler)
    if (handler !== undefined)
      return runBatch(scope, message, handler, (returned) => warnOfNonsense(scope, handler, returned))
  }
  // The pool knows the functions from this worker's own description, so this is a fault of ours.
  const error = { name: "Error", message: `the module has no function for ${message.handler}` }
  return { kind: "failed", error, isPermanent: false }
}

/** Warns, once for each function, of a returned value that has no meaning: an event is not retried for it. */
function warnOfNonsense(scope: RunScope, handler: unknown, returned: unknown): void {
  if (nonsensical.has(handler)) return
  nonsensical.set(handler, true)
  scope.warn(NONSENSE, { returned: describeReturned(returned) })
}

function describeReturned(value: unknown): string {
  try {
    return nameValue(value)
  } catch {
    // The value's own code threw.
    return "a value that can't be shown"
  }
}

/** Returns the module's own function; undefined for inherited ones, such as `constructor`. */
function functionOf<Function>(on: Readonly<Record<string, Function>>, name: string): Function | undefined {
  const handler = on && hasOwn(on, name) ? on[name] : undefined
  return typeof handler === "function" ? handler : undefined
}
