import { resolve } from "node:path"
import type { Config } from "../config.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { buildModuleSet, type ModuleSet } from "../handlers/module-set.ts"
import { ModuleWatch } from "../handlers/module-watch.ts"
import { moduleFiles } from "./modules.ts"

export interface ModuleSourceOptions {
  readonly config: Config
  /** True if `HANDLERS_DIR` was set. The folder must then exist. */
  readonly isHandlersDirGiven: boolean
  /** The command of the process that bundles handler modules. */
  readonly bundleCommand: readonly string[]
  /** `process.env` of the handlers. */
  readonly handlerEnvironment: Readonly<Record<string, string>>
}

/** The handler modules as their files are now. */
export class ModuleSource {
  readonly #options: ModuleSourceOptions
  /** Null unless `RELOAD=watch`. It counts changes from now on. */
  readonly #files: ModuleWatch | null

  constructor(options: ModuleSourceOptions) {
    const { RELOAD, HANDLERS_DIR } = options.config
    this.#options = options
    this.#files = RELOAD === "watch" ? new ModuleWatch(resolve(HANDLERS_DIR)) : null
  }

  /**
   * Reads and bundles the modules.
   * @param isInUse true if modules are in use: the folder must then exist, as if `HANDLERS_DIR` was set
   * @param signal ends it: it rejects
   * @throws {HandlersDirError} if the folder can't be read
   * @throws {ModuleLoadError} for the first module that can't be bundled
   */
  async build(isInUse = false, signal?: AbortSignal): Promise<ModuleSet> {
    const { config, isHandlersDirGiven, bundleCommand: command, handlerEnvironment } = this.#options
    await this.#files?.ready()
    const readSince = Date.now()
    const files = await moduleFiles(config.HANDLERS_DIR, isHandlersDirGiven || isInUse)
    try {
      const set = await buildModuleSet(files, { command, environment: handlerEnvironment, signal })
      await this.#files?.follow(set.sources, readSince)
      return set
    } catch (error) {
      if (error instanceof ModuleLoadError) await this.#files?.followAlso(faultyFiles(error), readSince)
      throw error
    }
  }

  /** Calls back for each change of the files, if they are watched. */
  watch(onChange: () => Promise<unknown>): void {
    void this.#files?.run(onChange)
  }

  stop(): void {
    this.#files?.stop()
  }
}

const faultyFiles = ({ faults }: ModuleLoadError): readonly string[] =>
  faults.flatMap(({ at }) => (at === null ? [] : [at.path]))
