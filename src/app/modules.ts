import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import { QueueRefusedError } from "../engine/errors.ts"
import type { QueueLimits } from "../engine/queues.ts"
import { type ModuleManifest, requireTimeoutsBelow } from "../handlers/manifest.ts"
import { findModuleFiles, type ModuleFile } from "../handlers/module-files.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import {
  queuesOf,
  refusedQueueFault,
  requireQueues,
  requireSameArguments,
} from "../handlers/module-queues.ts"
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
 * Declares the queues of the modules, or none of them. The first modules are taken while the engine is away; it is asked
 * about their queues once it can be reached.
 * @param before the modules in use; null for the first ones
 * @throws {ModuleLoadError} if a module names a queue that does not exist or that the engine refuses, or can't be used with
 * this engine
 * @throws {EngineStartError} if the engine refuses a queue or an exchange that no module is to blame for
 * @throws {EngineUnavailableError} if it can't be asked now
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
  // Another engine compares a declaration with the queue that exists.
  if (earlier !== null && engine.capabilities.updatesQueues)
    requireSameArguments(declared, earlier, manifests, locate)
  const remembered = engine.capabilities.remembersQueues ? await engine.queueStats() : []
  requireQueues([...declared, ...remembered], manifests, locate)
  try {
    await engine.declareQueues(declared, { whenAway: before === null ? "later" : "reject" })
  } catch (error) {
    if (!(error instanceof QueueRefusedError)) throw error
    throw refusedQueueFault(error, manifests, queues, locate) ?? error
  }
  logBindHints(manifests, catalog, [declared, remembered], logger)
}
