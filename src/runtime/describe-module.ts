import type { BatchHandlerModule, HandlerModule } from "./handler-module.ts"
import type { ModuleDescription } from "./manifest.ts"

/** A module of either kind. */
export type LoadedModule = HandlerModule | BatchHandlerModule

/** Returns true if a default export can be a handler module. `readManifests` checks its options. */
export function isHandlerModule(exported: unknown): exported is LoadedModule {
  return typeof exported === "object" && exported !== null
}

/** Returns true if the module's functions take several events with one call. */
export function isBatchModule(module: LoadedModule): module is BatchHandlerModule {
  return "batch" in module && module.batch !== undefined
}

/** Describes a module to the main thread as plain data, with the name of its type in place of each function. */
export function describeModule(file: string, module: LoadedModule): ModuleDescription {
  const on: unknown = module.on
  const described = typeof on === "object" && on !== null ? describeFunctions(on) : on
  const { on: _, ...rest } = module
  return { file, exported: { ...JSON.parse(JSON.stringify(rest, withoutLoss)), on: described } }
}

/**
 * Makes an object of a value that JSON leaves out, changes or refuses, such as a function or NaN: no option takes an
 * object in its place, so it is refused, not ignored.
 */
function withoutLoss(_key: string, value: unknown): unknown {
  const isLost = typeof value === "function" || typeof value === "symbol" || typeof value === "bigint"
  return isLost || (typeof value === "number" && !Number.isFinite(value)) ? {} : value
}

function describeFunctions(on: object): Record<string, string> {
  return Object.fromEntries(Object.entries(on).map(([name, value]) => [name, typeof value]))
}
