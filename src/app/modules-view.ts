import { basename } from "node:path"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { RejectedFault, Rejection } from "../handlers/rejection.ts"
import type { ModuleFaultView, ModuleSetView, Modules } from "../http/module-set-view.ts"
import type { Generations } from "./generations.ts"

/** Shows the handler modules to the routes. */
export const modulesView = (generations: Generations): Modules => ({
  view: () => describe(generations),
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

const faultsOf = ({ faults }: Rejection): ModuleFaultView[] =>
  faults.map((fault) => ({ ...fault, frame: [...fault.frame] }))

/** Describes a fault in one line, without the module's code: everybody may read it. */
export function describeFault({ module, message, file, line, column }: RejectedFault): string {
  const subject = module === null ? "" : `handler module ${module}: `
  const place = line === null ? "" : ` (${basename(file ?? "")}:${line}:${column})`
  return `${subject}${message}${place}`
}
