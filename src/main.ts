import { fileURLToPath } from "node:url"
import { Command } from "commander"
import { bannerLines, consoleUrl } from "./app/banner.ts"
import { HandlersDirError } from "./app/modules.ts"
import { openPage } from "./app/open-page.ts"
import { keepPayloadTypes } from "./app/payload-type-upkeep.ts"
import { type App, startApp } from "./app.ts"
import { addApiDocument } from "./commands/api-document.ts"
import { addHealth } from "./commands/check-health.ts"
import { addCompletions } from "./commands/completions.ts"
import { addDeadLetters } from "./commands/dead-letters.ts"
import { addEvents } from "./commands/events.ts"
import { EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE } from "./commands/exit-codes.ts"
import { addInit } from "./commands/init.ts"
import { addKeys } from "./commands/keys.ts"
import { addModules } from "./commands/modules.ts"
import { refuseRepeatedOptions } from "./commands/option-values.ts"
import {
  continueWithoutReader,
  guardOutput,
  print,
  printError,
  printFault,
  printJson,
} from "./commands/output.ts"
import { addPublish } from "./commands/publish.ts"
import { addQueues } from "./commands/queues.ts"
import { addReplay } from "./commands/replay.ts"
import { addSchemas } from "./commands/schemas.ts"
import { CommandError } from "./commands/service-client.ts"
import { showSettings } from "./commands/show-settings.ts"
import { asMessage, block, joined, type Shown, shown } from "./commands/shown.ts"
import { onReloadSignal, onStopSignal } from "./commands/stop-signals.ts"
import { addStore } from "./commands/store.ts"
import { addTail } from "./commands/tail.ts"
import { addTypes } from "./commands/types.ts"
import { adviseOn, requireKnownCommand, withoutHelpWord, withoutSecrets } from "./commands/usage-faults.ts"
import { warningsOf } from "./commands/variable-warnings.ts"
import { addVariablesHelp } from "./commands/variables-help.ts"
import { nodeNames } from "./config/rabbitmq-nodes.ts"
import {
  ConfigError,
  describeSettings,
  type Environment,
  explainEngine,
  parseConfig,
  readEnvironment,
} from "./config.ts"
import { DataDirError, EngineStartError } from "./engine/errors.ts"
import { bundleCommand } from "./handlers/bundle/bundle-task.ts"
import { handlerEnvironment } from "./handlers/handler-environment.ts"
import { ModuleLoadError } from "./handlers/module-load-error.ts"
import { KeyFileError } from "./http/access/key-file.ts"
import { ListenError } from "./http/http-server.ts"
import { SchemaFileError } from "./schema/schema-file-error.ts"
import { logFormat } from "./telemetry/log-format.ts"
import { type Logger, openLog } from "./telemetry/logger.ts"
import { explainNetworkFault, isNetworkFault } from "./telemetry/network-fault.ts"
import { VERSION } from "./version.ts"

/** Resolved here, because the path below this file is the same in the sources and in the binary. */
const WORKER_URL = new URL("./workers/inside/worker.ts", import.meta.url).href
const ENTRY = fileURLToPath(new URL("./entry.ts", import.meta.url))
const HISTORY_THREAD_URL = new URL("./history/history-thread.ts", import.meta.url).href
const SYNC_THREAD_URL = new URL("./engine/embedded/commit/sync-thread.ts", import.meta.url).href

/** Errors of the start that only another configuration, or another file that it names, can remove. */
const CONFIGURATION_ERRORS = [ConfigError, KeyFileError, DataDirError]

guardOutput()

const program = new Command("event-broker")
  // Before the commands are added, because they inherit these settings.
  .configureOutput({
    writeOut: (text) => print(block(text)),
    writeErr: (text) => printError(block(text)),
    outputError: (text) => printFault(asMessage(text.trimEnd().replace(/^error: /, ""))),
  })
  .exitOverride(({ exitCode, code }) => {
    const advice = adviseOn(code, program, process.argv.slice(2))
    if (advice !== null) printFault(advice)
    process.exit(exitCode === 0 ? 0 : EXIT_USAGE)
  })
  .showSuggestionAfterError()
  .description("Accepts events over HTTP, stores them durably, and runs the handlers that react to them.")
  .version(VERSION, "-v, --version", "print the version")
  .helpOption("-h, --help", "show help")
  .helpCommand("help [command...]", "show help of a command")
  .addHelpText("after", '\n"event-broker serve --help" lists the variables that configure the service.\n')

const serveCommand = program
  .command("serve", { isDefault: true })
  .description("run the service (the default)")
  .option("--greet", "print how to publish a first event")
  .action(async ({ greet }: { greet?: boolean }) =>
    serve({ shouldGreet: greet ?? false, isDevelopment: false, opensConsole: false }),
  )
addVariablesHelp(serveCommand)

program
  .command("dev")
  .description(
    "run the service while you write handler modules: it reloads them when their files change, keeps types of payloads current, and opens the console",
  )
  .option("--no-open", "do not open the console in a browser")
  .action(async ({ open }: { open: boolean }) =>
    serve({ shouldGreet: false, isDevelopment: true, opensConsole: open }),
  )

program
  .command("config")
  .description("print every variable with its effective value and its source; secrets are masked")
  .option("--json", "print JSON")
  .action(({ json }: { json?: boolean }) => {
    const environment = readEnvironment()
    try {
      parseConfig(environment, { checksPaths: true })
    } catch (error) {
      printFault(explain(error))
      process.exitCode = EXIT_USAGE
    }
    for (const { message } of warningsOf(environment)) printError(shown`event-broker: ${message}\n`)
    if (json) printJson(describeSettings())
    else print(showSettings(describeSettings()))
  })

addHealth(program)
addKeys(program)
addPublish(program)
addTail(program)
addEvents(program)
addReplay(program)
addQueues(program)
addDeadLetters(program)
addModules(program)
addSchemas(program)
addStore(program)
addTypes(program)
addInit(program)
addApiDocument(program)
addCompletions(program)
refuseRepeatedOptions(program)

const words = withoutHelpWord(program, withoutSecrets(process.argv.slice(2)))
requireKnownCommand(program, words)
try {
  await program.parseAsync(words, { from: "user" })
} catch (error) {
  printFault(explain(error))
  process.exitCode = exitCodeOf(error)
}

interface ServeOptions {
  /** Print how to publish a first event. */
  readonly shouldGreet: boolean
  /** Start without the handler modules if they can't be used, and wait until they can. */
  readonly isDevelopment: boolean
  /** Open the console in a browser, if there is one. */
  readonly opensConsole: boolean
}

/** Reloads modules when they change, and writes a readable log, unless the environment asks for another one. */
function developmentEnvironment(environment: Environment): Environment {
  return { LOG_FORMAT: "pretty", ...environment, RELOAD: "watch" }
}

async function serve({ shouldGreet, isDevelopment, opensConsole }: ServeOptions): Promise<void> {
  continueWithoutReader()
  try {
    const environment = isDevelopment ? developmentEnvironment(readEnvironment()) : readEnvironment()
    const config = parseConfig(environment, { checksPaths: true })
    const log = openLog(config.LOG_LEVEL, logFormat(config.LOG_FORMAT, environment))
    const { logger } = log
    const where = config.ENGINE === "embedded" ? { data_dir: config.DATA_DIR } : { hosts: nodeNames(config) }
    logger.info(
      { version: VERSION, engine: config.ENGINE, why: explainEngine(environment), ...where },
      "starting",
    )
    for (const { variable, message } of warningsOf(environment)) logger.warn({ variable }, message)
    const isHandlersDirGiven = Boolean(environment["HANDLERS_DIR"])
    const hasStarted = onSignals(logger)
    const app = await startApp({
      config,
      isHandlersDirGiven,
      workerUrl: WORKER_URL,
      handlerEnvironment: handlerEnvironment(environment),
      bundleCommand: bundleCommand(ENTRY),
      syncThreadUrl: SYNC_THREAD_URL,
      historyThreadUrl: HISTORY_THREAD_URL,
      startsWithoutModules: isDevelopment,
      log,
    })
    hasStarted(app)
    if (isDevelopment) keepPayloadTypes(config.SCHEMAS_DIR, logger)
    void app.failed.then(async () => {
      logger.fatal("stopping, because the engine has failed; the log has the reason above")
      await app.stop()
      logger.info("stopped")
      process.exit(EXIT_REFUSED)
    })
    log.say(bannerLines(app.url, config, app.engineStatus()))
    if (opensConsole && config.CONSOLE !== "off") openPage(consoleUrl(app.url), environment)
    if (shouldGreet) print(block(greeting(app.url)))
  } catch (error) {
    printFault(explain(error))
    process.exit(CONFIGURATION_ERRORS.some((kind) => error instanceof kind) ? EXIT_USAGE : EXIT_REFUSED)
  }
}

/**
 * Stops the service cleanly on the first signal that asks to. A further SIGTERM or SIGINT ends it at once. Reloads the
 * handler modules on a SIGHUP that comes from no terminal. Register before startup; otherwise an early signal kills the
 * process without a clean stop.
 * @returns a function to call with the service once it has started
 */
function onSignals(logger: Logger): (app: App) => void {
  let running: App | null = null
  let isStopping = false
  onStopSignal(async (signal) => {
    // A terminal that closes may send SIGHUP twice, from the kernel and from its shell.
    if (isStopping && signal === "SIGHUP") return
    if (isStopping) process.exit(EXIT_REFUSED)
    isStopping = true
    logger.info({ signal }, "stopping")
    // A service that is still starting has answered nobody, and its store is safe at any moment.
    await running?.stop()
    logger.info({ signal }, "stopped")
    process.exit(0)
  })
  onReloadSignal(() => void running?.reloadModules())
  return (app) => {
    running = app
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode
  return isNetworkFault(error) ? EXIT_UNREACHABLE : EXIT_USAGE
}

function explain(error: unknown): Shown {
  if (error instanceof ConfigError) {
    const faults = error.faults.map(({ name, message }) => shown`\n  ${name} ${message}`)
    return shown`the configuration is wrong:${joined(faults)}`
  }
  if (error instanceof SchemaFileError) {
    return joined(error.faults.map((fault, place) => (place === 0 ? shown`${fault}` : shown`\n  ${fault}`)))
  }
  const foreseen = [EngineStartError, HandlersDirError, ListenError, KeyFileError]
  if (error instanceof ModuleLoadError) return asMessage(error.message)
  if (error instanceof Error && foreseen.some((kind) => error instanceof kind)) return shown`${error.message}`
  if (error instanceof CommandError) return asMessage(error.message)
  if (isNetworkFault(error)) {
    return shown`the connection to the service was lost: ${explainNetworkFault(error)}`
  }
  return asMessage(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

function greeting(url: string): string {
  const draft = { type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "hello" } }
  return `Publish an event to Event Broker on ${url}:

  curl -X POST ${url}/api/v1/events -H 'Content-Type: application/json' -d '${JSON.stringify(draft)}'

`
}
