import type { SchemaFile } from "../schema/schema-catalog.ts"
import { readSchemaFiles } from "../schema/schema-files.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"

/** Notices schemas that have changed since the start: payloads are still validated by those of the start. */
export class ChangedSchemas {
  readonly #folder: string
  readonly #logger: Logger
  /** The schemas as text, or why they can't be read; null if there are none to look at. */
  #known: string | null

  /** @param folder `SCHEMAS_DIR` @param files what was in it at the start; null if there are no schemas */
  constructor(folder: string, files: readonly SchemaFile[] | null, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
    this.#known = files === null ? null : JSON.stringify(files)
  }

  /** Warns if they are others than at the last call, because whoever deploys modules deploys schemas with them. */
  check(): void {
    if (this.#known === null) return
    const found = this.#read()
    if (found === this.#known) return
    this.#known = found
    this.#logger.warn(
      { schemas_dir: this.#folder },
      "schemas changed: a reload takes no schemas into use, so restart to validate payloads with them",
    )
  }

  #read(): string {
    try {
      return JSON.stringify(readSchemaFiles(this.#folder))
    } catch (error) {
      return reasonOf(error)
    }
  }
}
