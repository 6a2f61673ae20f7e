import { readSchemaFiles } from "../schema/schema-files.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"

/** Notices schemas that have changed since the start: payloads are still validated by those of the start. */
export class ChangedSchemas {
  readonly #folder: string
  readonly #logger: Logger
  #known: string

  /** @param folder `SCHEMAS_DIR`; empty if there are no schemas */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
    this.#known = this.#read()
  }

  /** Warns if they are others than at the last call, because whoever deploys modules deploys schemas with them. */
  check(): void {
    const found = this.#read()
    if (found === this.#known) return
    this.#known = found
    this.#logger.warn(
      { schemas_dir: this.#folder },
      "schemas changed: a reload takes no schemas into use, so restart to validate payloads with them",
    )
  }

  /** Returns the schemas as text, or why they can't be read. */
  #read(): string {
    if (this.#folder === "") return ""
    try {
      return JSON.stringify(readSchemaFiles(this.#folder))
    } catch (error) {
      return reasonOf(error)
    }
  }
}
