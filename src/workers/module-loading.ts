import type { ModuleDescription } from "../handlers/manifest.ts"
import { EXITS, type ModuleFault, ModuleLoadError } from "../handlers/module-load-error.ts"

/** How long a worker may take until it loads the first module, in milliseconds. */
const START_TIMEOUT_MS = 15_000

/** How long a worker may load one module before the log says so, in milliseconds. */
export const SLOW_LOAD_MS = 3_000

export interface ModuleLoadingOptions {
  /** How long each module may take to load, in milliseconds. */
  readonly timeoutMs: number
  /** Called when the worker, or a module, takes too long. The worker can't be used then. */
  readonly onTimeout: (reason: string) => void
  /**
   * Called when the worker, or a module, has been taking long.
   * @param file the module that it loads; null before the first one
   */
  readonly onSlow: (file: string | null, seconds: number) => void
}

/** The time in which a worker loads the modules: it is bounded, and a failure names the module. It ends once. */
export class ModuleLoading {
  readonly #options: ModuleLoadingOptions
  readonly #result = Promise.withResolvers<readonly ModuleDescription[]>()
  /** The module that is being imported, or was the last one. */
  #file: string | null = null
  #timer: Timer | undefined
  #slowTimer: Timer | undefined

  constructor(options: ModuleLoadingOptions) {
    this.#options = options
  }

  /**
   * Resolves once the worker has loaded all modules. Call it when it begins.
   * @throws {ModuleLoadError} if one of them can't be loaded, or not in time; other errors if the worker died
   */
  async loaded(): Promise<readonly ModuleDescription[]> {
    this.#bound(START_TIMEOUT_MS)
    try {
      return await this.#result.promise
    } finally {
      clearTimeout(this.#timer)
      clearTimeout(this.#slowTimer)
    }
  }

  /** Call it when the worker begins to import a module. */
  beginFile(file: string): void {
    this.#file = file
    this.#bound(this.#options.timeoutMs)
  }

  finish(modules: readonly ModuleDescription[]): void {
    this.#result.resolve(modules)
  }

  failAt(file: string, fault: ModuleFault): void {
    this.#result.reject(new ModuleLoadError(file, [fault]))
  }

  /** Call it when the worker has ended by itself, without an error: it would do so again with the same module. */
  exit(): void {
    if (this.#file !== null) this.failAt(this.#file, { message: EXITS, at: null })
  }

  /** Call it when the worker is gone. */
  end(reason: string): void {
    this.#result.reject(new Error(this.#file === null ? reason : `${reason} while it loaded ${this.#file}`))
  }

  #bound(timeoutMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#giveUp(timeoutMs), timeoutMs)
    clearTimeout(this.#slowTimer)
    this.#slowTimer = setTimeout(() => this.#options.onSlow(this.#file, SLOW_LOAD_MS / 1_000), SLOW_LOAD_MS)
  }

  #giveUp(timeoutMs: number): void {
    if (this.#file !== null) {
      const message =
        `did not finish loading within ${timeoutMs / 1_000} s: an await or a loop outside of its functions ` +
        "does not end; let functions wait for what a module needs, when the first event comes"
      this.failAt(this.#file, { message, at: null })
    }
    this.#options.onTimeout(`the worker did not start within ${timeoutMs / 1_000} s`)
  }
}
