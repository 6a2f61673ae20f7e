import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { QueueLimits } from "../engine/queues.ts"
import { type ModuleManifest, requireTimeoutsBelow } from "../handlers/manifest.ts"
import { findModuleFiles, type ModuleFile } from "../handlers/module-files.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { queuesOf, requireQueues, requireSameArguments } from "../handlers/module-queues.ts"
import type { ModuleSet } from "../handlers/module-set.ts"
import { locateIn } from "../handlers/option-position.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"
import { logBindHints } from "./start-hints.ts"

/** The folder of the handler modules can't be read. The message is one sentence for the user. */
export class HandlersDirError extends Error {
  override readonly name = "HandlersDirError"
}

/**
 * Finds the handler modules.
 * @param isGiven true if `HANDLERS_DIR` was set. The folder must then exist.
 * @throws {HandlersDirError} if the folder can't be read
 * @throws {ModuleLoadError} if something in it has the name of a module and is no file
 */
export async function moduleFiles(dir: string, isGiven: boolean): Promise<readonly ModuleFile[]> {
  if (!isGiven && !existsSync(dir)) return []
  try {
    return await findModuleFiles(dir)
  } catch (cause) {
    if (cause instanceof ModuleLoadError) throw cause
    throw new HandlersDirError(`HANDLERS_DIR ${resolve(dir)} can't be read: ${reasonOf(cause)}`, { cause })
  }
}

export interface ModuleQueuesOptions {
  readonly engine: Engine
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  /** The limits of the modules' own queues. */
  readonly limits: QueueLimits
  readonly catalog: SchemaCatalog | null
  readonly logger: Logger
}

/**
 * Declares the queues of the modules. If that fails, the embedded engine removes those that it added.
 * @param before the modules in use; null for the first ones
 * @throws {ModuleLoadError} if a module names a queue that does not exist, or can't be used with this engine
 * @throws {EngineStartError} if the engine refuses a queue
 */
export async function declareModuleQueues(
  { files }: ModuleSet,
  manifests: readonly ModuleManifest[],
  before: readonly ModuleManifest[] | null,
  { engine, queues, limits, catalog, logger }: ModuleQueuesOptions,
): Promise<void> {
  const locate = locateIn(files)
  requireTimeoutsBelow(engine.capabilities.maxUnsettledMs, manifests, locate)
  const declared = queuesOf(manifests, queues, limits)
  const earlier = before && queuesOf(before, queues, limits)
  if (earlier !== null) requireSameArguments(declared, earlier, manifests, locate)
  const remembered = engine.capabilities.remembersQueues ? await engine.queueStats() : []
  requireQueues([...declared, ...remembered], manifests, locate)
  try {
    await engine.declareQueues(declared)
  } catch (error) {
    if (earlier !== null) await withdraw(declared, earlier, remembered, engine)
    throw error
  }
  logBindHints(manifests, catalog, [declared, remembered], logger)
}

/**
 * Takes back declarations of which one was refused: others of them may receive events, which nothing would handle. On
 * RabbitMQ, queues are kept, because another instance may have had them before; those that nobody uses are told of as orphaned.
 */
async function withdraw(
  declared: readonly QueueDeclaration[],
  earlier: readonly QueueDeclaration[],
  remembered: readonly { readonly name: string }[],
  engine: Engine,
): Promise<void> {
  const kept = new Set([...earlier, ...remembered].map(({ name }) => name))
  const added = engine.capabilities.remembersQueues ? declared.filter(({ name }) => !kept.has(name)) : []
  await Promise.allSettled([
    engine.declareQueues(earlier),
    ...added.map(({ name }) => engine.queueAdministration.delete(name, { ifEmpty: true })),
  ])
}
