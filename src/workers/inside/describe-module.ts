import type { BatchHandlerModule, HandlerModule } from "../../handlers/handler-module.ts"
import type { ModuleDescription } from "../../handlers/manifest.ts"
import { asJson, isOptions, nameValue } from "../../handlers/value-kind.ts"
import { hasOwn } from "../../system/intrinsics.ts"

/** A module of either kind. */
export type LoadedModule = HandlerModule | BatchHandlerModule

/** Returns true if a default export can be a handler module. `readManifests` checks its options. */
export const isHandlerModule = (exported: unknown): exported is LoadedModule => isOptions(exported)

/** Says what is wrong with the exports of a file that has no handler module. */
export function explainExport(exported: unknown): string {
  const fault =
    exported === undefined ? "has no default export" : `its default export is ${nameValue(exported)}`
  return `${fault}; a handler module is \`export default { queue: …, on: { … } }\``
}

/** Returns true if the module's functions take several events with one call. An inherited option counts for nothing. */
export function isBatchModule(module: LoadedModule): module is BatchHandlerModule {
  return hasOwn(module, "batch") && "batch" in module && module.batch !== undefined
}

/** Describes a module to the main thread as plain data, with the name of its kind in place of each function. */
export function describeModule(file: string, module: LoadedModule): ModuleDescription {
  const options = Object.entries({ ...module, on: module.on }).filter(([, value]) => value !== undefined)
  return {
    file,
    exported: Object.fromEntries(options.map(([name, value]) => [name, describeOption(name, value)])),
  }
}

/** Options that are functions. */
const HOOKS: readonly string[] = ["setup", "teardown"]

function describeOption(name: string, value: unknown): unknown {
  if (HOOKS.includes(name)) return nameValue(value)
  return name === "on" && isOptions(value) ? describeFunctions(value) : asJson(value)
}

const describeFunctions = (on: object): Record<string, string> =>
  Object.fromEntries(Object.entries(on).map(([name, value]) => [name, nameValue(value)]))
