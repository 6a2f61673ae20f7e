import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import { type ModuleSet, NO_MODULES } from "../handlers/module-set.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Pool } from "../workers/pool.ts"
import type { Generations } from "./generations.ts"

export interface BeginOptions {
  readonly pool: Pool
  readonly generations: Generations
  readonly engine: Engine
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  /** Called once a module set is in use. */
  readonly onBegun: () => void
  readonly logger: Logger
}

/**
 * Starts the workers with the first module set, and handles events with it. If the first workers crash, resolves without
 * a set in use: it is loaded later.
 * @throws {ModuleLoadError} if a module can't be used
 */
export async function beginModules(
  set: ModuleSet,
  { pool, generations, engine, queues, onBegun, logger }: BeginOptions,
): Promise<void> {
  const { loaded } = await pool.start(set)
  const begun = loaded.then(async (manifests: readonly ModuleManifest[]) => {
    await generations.begin(set, manifests)
    onBegun()
  })
  if (pool.workers.present > 0 || set.files.length === 0) return begun
  begun.catch((error: unknown) => logger.error({ reason: String(error) }, "the modules can't be used"))
  await engine.declareQueues(queues)
}

/** Takes the first module set into use as a reload does: if it can't be used, the service begins without modules. */
export async function beginWithReload({ pool, generations, onBegun }: BeginOptions): Promise<void> {
  await pool.start(NO_MODULES)
  const first = await generations.reload()
  if (first.kind !== "loaded") await generations.begin(NO_MODULES, [])
  onBegun()
}
