/**
 * Entry of the process that bundles handler modules. It gets one list of files, sends one answer, and ends. It is a
 * process, because Bun's resolver remembers folders, links and packages as it first saw them.
 */
import { reasonOf } from "../../system/reason-of.ts"
import type { ModuleFile } from "../module-files.ts"
import { type ModuleFault, ModuleLoadError } from "../module-load-error.ts"
import { type Bundle, bundleModules } from "./bundle.ts"

export type BundleAnswer =
  | ({ readonly kind: "bundled" } & Bundle)
  | { readonly kind: "refused"; readonly file: string; readonly faults: readonly ModuleFault[] }
  | { readonly kind: "failed"; readonly reason: string }

process.on("disconnect", () => process.exit())
process.on("message", async (files: readonly ModuleFile[]) => {
  process.send?.(await answer(files), () => process.exit())
})

async function answer(files: readonly ModuleFile[]): Promise<BundleAnswer> {
  try {
    return { kind: "bundled", ...(await bundleModules(files)) }
  } catch (error) {
    if (error instanceof ModuleLoadError) return { kind: "refused", file: error.file, faults: error.faults }
    return { kind: "failed", reason: reasonOf(error) }
  }
}
