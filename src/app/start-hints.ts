import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { Config } from "../config.ts"
import { countLeftEvents } from "../engine/embedded/store/left-events.ts"
import { findBindFaults } from "../handlers/bind-faults.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import { findOtherPrograms } from "../handlers/module-files.ts"
import { findNameFaults } from "../handlers/name-faults.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import { listSchemaFolder } from "../schema/schema-files.ts"
import { findUnusedFiles } from "../schema/unused-files.ts"
import type { Logger } from "../telemetry/logger.ts"

/** Addresses that only this machine can reach. */
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"])

/** Most files that a line names. */
const MAX_NAMED = 10

/**
 * Logs what an operator may not know at the start, one line each.
 * @param hasModules true if there are handler modules, whether they can be used or not
 * @param catalog null without `SCHEMAS_DIR`
 */
export function logStartHints(
  config: Config,
  hasModules: boolean,
  catalog: SchemaCatalog | null,
  logger: Logger,
): void {
  const { API_KEYS_FILE, HOST: host, HANDLERS_DIR } = config
  if (API_KEYS_FILE === "" && !LOOPBACK.has(host)) {
    logger.warn(
      { host },
      "no API keys: everybody who can reach this host can publish, read and delete events; set API_KEYS_FILE",
    )
  }
  if (config.ENGINE === "rabbitmq") warnOfLeftEvents(config, logger)
  if (catalog !== null) warnOfUnusedSchemas(config, catalog, logger)
  warnOfOtherPrograms(config, logger)
  if (!hasModules) {
    logger.info(
      { handlers_dir: resolve(HANDLERS_DIR) },
      'no handler modules, so events wait in their queues: "event-broker init my-project" makes a project with one',
    )
  }
}

/** Warns of files beside the modules that look like modules, and are not loaded. */
function warnOfOtherPrograms({ HANDLERS_DIR }: Config, logger: Logger): void {
  const files = existsSync(HANDLERS_DIR) ? findOtherPrograms(HANDLERS_DIR) : []
  if (files.length === 0) return
  logger.warn(
    { handlers_dir: resolve(HANDLERS_DIR), files },
    `files in HANDLERS_DIR that are not loaded: ${namesOf(files)}; a handler module is a .ts, .js, .mts or .mjs file${renaming(files)}`,
  )
}

/** Endings of TypeScript and JavaScript, each with that of a module. */
const OTHER_ENDING = /\.(?:[jt]sx|c[jt]s)$/

/** Ends a sentence with the new name of the first file that only has another ending; empty if none has. */
function renaming(files: readonly string[]): string {
  const file = files.find((each) => OTHER_ENDING.test(each))
  if (file === undefined) return ""
  return `: rename ${file} to ${file.replace(OTHER_ENDING, (ending) => (ending.includes("t") ? ".ts" : ".js"))}`
}

/** Names the first files, and says how many more there are. */
function namesOf(files: readonly string[]): string {
  const more = files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : ""
  return files.slice(0, MAX_NAMED).join(", ") + more
}

/** Warns of files that are the schema of no event, or of another than meant, and of a folder that has no schema of an event. */
function warnOfUnusedSchemas({ SCHEMAS_DIR }: Config, catalog: SchemaCatalog, logger: Logger): void {
  const schemas_dir = resolve(SCHEMAS_DIR)
  const unused = findUnusedFiles(catalog, listSchemaFolder(SCHEMAS_DIR))
  const expected = "a schema is at <type>/<name>.json or <type>/<name>@<version>.json"
  if (unused.length > 0) {
    const named = namesOf(unused.map(({ path, reason }) => `${path} (${reason})`))
    const files = unused.map(({ path }) => path)
    logger.warn(
      { schemas_dir, files },
      `files in SCHEMAS_DIR that probably apply to no event: ${named}; ${expected}`,
    )
  } else if (catalog.all().length === 0) {
    logger.warn({ schemas_dir }, `SCHEMAS_DIR has no schema of an event: ${expected}`)
  }
}

/** Warns of events in the store of the embedded engine, which nothing delivers while RabbitMQ is the engine. */
function warnOfLeftEvents({ DATA_DIR }: Config, logger: Logger): void {
  const left = countLeftEvents(DATA_DIR)
  if (left === 0) return
  logger.warn(
    { data_dir: resolve(DATA_DIR), events: left },
    "DATA_DIR still holds events of the embedded engine, and ENGINE=rabbitmq does not deliver them: " +
      "start once with ENGINE=embedded to handle them, or move the folder away",
  )
}

/** Queues that exist, with their topic patterns. */
type BoundQueues = readonly { readonly name: string; readonly bindings: readonly string[] }[]

/**
 * Logs topic patterns and functions of modules that take fewer events than meant, and patterns that an earlier start has
 * left.
 * @param declared the queues that this start declares
 * @param remembered all queues that the engine knows
 */
export function logBindHints(
  manifests: readonly ModuleManifest[],
  catalog: SchemaCatalog | null,
  [declared, remembered]: readonly [declared: BoundQueues, remembered: BoundQueues],
  logger: Logger,
): void {
  const faults = findBindFaults(manifests, catalog?.all() ?? [])
  for (const { file: module, queue, pattern, message, isMistake } of faults) {
    const hint = isMistake ? "probably matches no event" : "may not do what was meant"
    const text = `the pattern ${pattern} of ${module} ${hint}: ${message}`
    logger[isMistake ? "warn" : "info"]({ module, queue, pattern }, text)
  }
  for (const { file: module, queue, name, meant } of findNameFaults(
    manifests,
    [...declared, ...remembered],
    catalog?.all() ?? [],
  )) {
    logger.warn(
      { module, queue, handler: name },
      `the function ${name} of ${module} probably handles no event, because the name of an event does not repeat its type; did you mean ${meant}?`,
    )
  }
  for (const { name: queue, bindings } of remembered) {
    const module = manifests.find((each) => each.queue === queue)?.file
    if (module === undefined || bindings.length === 0 || declared.some(({ name }) => name === queue)) continue
    logger.warn(
      { module, queue, patterns: bindings },
      `${queue} is bound by an earlier start, because ${module} gives no bind: give it the patterns that it still needs`,
    )
  }
}
