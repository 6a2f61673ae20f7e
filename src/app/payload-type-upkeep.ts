import { resolve } from "node:path"
import { ModuleWatch } from "../handlers/module-watch.ts"
import { readSchemaFiles } from "../schema/schema-files.ts"
import { isProject, TYPES_FILE, typesFor, writeTypes } from "../schema/types/types-file.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"

/**
 * Writes the file with the types of payloads, and writes it again whenever a schema changes, until the process ends. The
 * log says so, and that the service itself reads schemas only at its start. Does nothing in a folder that is no project.
 * @param schemasDir `SCHEMAS_DIR`; empty if there are no schemas
 */
export function keepPayloadTypes(schemasDir: string, logger: Logger): void {
  if (schemasDir === "" || !isProject()) return
  const watch = new ModuleWatch(resolve(schemasDir))
  let before = update(schemasDir, logger)
  void watch.run(async () => {
    const now = update(schemasDir, logger)
    // A file can be written again as it was, and the watch looks at more than schemas.
    if (now === null || now === before) return
    before = now
    logger.warn({ schemas_dir: schemasDir }, "schemas changed: restart to validate payloads with them")
  })
}

/** Returns the schemas as text; null if they can't be used, or the file can't be written: the log has the reason. */
function update(schemasDir: string, logger: Logger): string | null {
  try {
    const schemas = readSchemaFiles(schemasDir)
    if (writeTypes(typesFor(schemas))) logger.info({ file: TYPES_FILE }, "types of payloads written")
    return JSON.stringify(schemas)
  } catch (error) {
    logger.warn({ file: TYPES_FILE, reason: reasonOf(error) }, "types of payloads not written")
    return null
  }
}
