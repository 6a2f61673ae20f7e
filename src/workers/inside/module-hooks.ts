import { summarizeError } from "../../event/failure.ts"
import type { ModuleFile } from "../../handlers/module-files.ts"
import type { ModuleFault } from "../../handlers/module-load-error.ts"
import { hasOwn } from "../../system/intrinsics.ts"
import type { LoadedModule } from "./describe-module.ts"
import { fieldsText } from "./fields-text.ts"
import { explainLoadFailure } from "./load-failure.ts"
import type { WorkerLog } from "./worker-log.ts"

/** Returns the module's own function; undefined for an inherited one. The main thread refuses what is no function. */
function hookOf(module: LoadedModule, name: "setup" | "teardown"): (() => unknown) | undefined {
  const hook: unknown = hasOwn(module, name) ? module[name] : undefined
  return typeof hook === "function" ? () => hook.call(module) : undefined
}

/** A module that is ready, with its file. */
export interface HoldingModule {
  readonly module: LoadedModule
  readonly file: ModuleFile
}

/** Returns the work that a module has to do before its first event; null if there is none. */
export function setupOf(module: LoadedModule): ((file: ModuleFile) => Promise<ModuleFault | null>) | null {
  const setup = hookOf(module, "setup")
  if (setup === undefined) return null
  return async ({ path }) => {
    try {
      await setup()
      return null
    } catch (error) {
      return explainLoadFailure(error, path, "its `setup` threw an error")
    }
  }
}

export const hasTeardown = (module: LoadedModule): boolean => hookOf(module, "teardown") !== undefined

/** Has modules release what they hold, one after the other. One that fails does not keep the others from it. */
export async function tearDown(holding: readonly HoldingModule[], log: WorkerLog): Promise<void> {
  for (const { module, file } of holding) {
    try {
      await hookOf(module, "teardown")?.()
    } catch (error) {
      const about = { module: file.name, error: summarizeError(error) }
      log.write(null, "error", "the `teardown` of a module threw an error", fieldsText(about))
    }
  }
}
