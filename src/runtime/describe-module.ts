import type { BatchHandlerModule, HandlerModule } from "./handler-module.ts"
import type { ModuleDescription } from "./manifest.ts"

/** Either kind of module. */
export type LoadedModule = HandlerModule | BatchHandlerModule

/** Whether a module's default export can be one at all; what is wrong in it is found by its manifest. */
export function isHandlerModule(exported: unknown): exported is LoadedModule {
  return typeof exported === "object" && exported !== null
}

/** Whether its functions take several events with one call. */
export function isBatchModule(module: LoadedModule): module is BatchHandlerModule {
  return "batch" in module && module.batch !== undefined
}

/** What the main thread needs to know of a module, as plain data: each function by its type's name. */
export function describeModule(file: string, module: LoadedModule): ModuleDescription {
  const on: unknown = module.on
  const described = typeof on === "object" && on !== null ? describeFunctions(on) : on
  const { on: _, ...rest } = module
  return { file, exported: { ...JSON.parse(JSON.stringify(rest, withoutLoss)), on: described } }
}

/**
 * Makes an object of what JSON would leave out, change or refuse, such as a function or NaN: no option takes an object in
 * its place, so it is refused, not ignored.
 */
function withoutLoss(_key: string, value: unknown): unknown {
  const isLost = typeof value === "function" || typeof value === "symbol" || typeof value === "bigint"
  return isLost || (typeof value === "number" && !Number.isFinite(value)) ? {} : value
}

function describeFunctions(on: object): Record<string, string> {
  return Object.fromEntries(Object.entries(on).map(([name, value]) => [name, typeof value]))
}
