import { basename } from "node:path"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { RejectedFault, Rejection } from "../handlers/rejection.ts"
import type { ModuleFaultView, ModuleSetView, Modules, WorkerView } from "../http/module-set-view.ts"
import type { Pool } from "../workers/pool.ts"
import type { WorkerState } from "../workers/worker-survey.ts"
import type { Generations } from "./generations.ts"

/**
 * Shows the handler modules to the routes.
 * @param memoryLimitBytes heap above which a worker is replaced; 0: no limit
 */
export const modulesView = (
  generations: Generations,
  pool: Pick<Pool, "survey">,
  memoryLimitBytes: number,
): Modules => ({
  view: () => describe(generations),
  workers: async () => (await pool.survey.look()).map(describeWorker),
  memoryLimitBytes: memoryLimitBytes === 0 ? null : memoryLimitBytes,
  async reload() {
    const result = await generations.reload()
    switch (result.kind) {
      case "unavailable":
        return result
      case "rejected":
        return { kind: "rejected", faults: faultsOf(result.rejection) }
      default:
        return { kind: result.kind }
    }
  },
})

function describe({ current, rejection }: Generations): ModuleSetView {
  return {
    generation: current.set.generation,
    since: current.since / 1_000,
    modules: current.manifests.map(describeModule),
    rejected: rejection && { at: rejection.at / 1_000, faults: faultsOf(rejection) },
  }
}

const describeModule = (manifest: ModuleManifest): ModuleSetView["modules"][number] => ({
  file: manifest.file,
  queue: manifest.queue,
  bind: [...(manifest.bindings ?? [])],
  functions: [...manifest.names],
  attempts: manifest.attempts,
  timeout_ms: manifest.timeoutMs,
  concurrency: manifest.concurrency,
  batch_size: manifest.batch?.size ?? null,
})

const describeWorker = (worker: WorkerState): WorkerView => ({
  place: worker.place,
  state: worker.state,
  generation: worker.generation,
  jobs: worker.jobs,
  memory_bytes: worker.heapBytes,
  cpu_share: worker.cpu && rounded(worker.cpu.share),
  cpu_seconds: worker.cpu && rounded(worker.cpu.overMs / 1_000),
  is_responding: worker.isResponding,
  ready_seconds: rounded(worker.readyForMs / 1_000),
  replaced: worker.replaced,
})

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

const faultsOf = ({ faults }: Rejection): ModuleFaultView[] =>
  faults.map((fault) => ({ ...fault, frame: [...fault.frame] }))

/** Describes a fault in one line, without the module's code: everybody may read it. */
export function describeFault({ module, message, file, line, column }: RejectedFault): string {
  const subject = module === null ? "" : `handler module ${module}: `
  const place = line === null ? "" : ` (${basename(file ?? "")}:${line}:${column})`
  return `${subject}${message}${place}`
}
