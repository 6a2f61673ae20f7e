import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import type { EmbeddedEngineOptions } from "../../src/engine/embedded/engine-options.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** The folder of an embedded engine, and the engine last opened on it. */
export class EmbeddedStore implements AsyncDisposable {
  readonly dataDir: string
  readonly #folder: Disposable
  #engine: EmbeddedEngine | undefined

  /** Default folder: a temporary one. The folder is removed with the store (`await using`). */
  constructor(folder: Disposable & { readonly path: string } = temporaryFolder()) {
    this.#folder = folder
    this.dataDir = folder.path
  }

  /** Opens the engine. Close the previous one first. */
  open(options: Omit<EmbeddedEngineOptions, "dataDir"> = {}): EmbeddedEngine {
    this.#engine = EmbeddedEngine.open({ dataDir: this.dataDir, ...options })
    return this.#engine
  }

  async close(): Promise<void> {
    await this.#engine?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    this.#folder[Symbol.dispose]()
  }
}
