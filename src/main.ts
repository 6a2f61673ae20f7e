import { Command, Option } from "commander"
import { bannerLines } from "./app/banner.ts"
import { type App, HandlersDirError, startApp } from "./app.ts"
import { addApiDocument } from "./commands/api-document.ts"
import { checkHealth, localUrl } from "./commands/check-health.ts"
import { addCompletions } from "./commands/completions.ts"
import { addDeadLetters } from "./commands/dead-letters.ts"
import { EXIT_REFUSED, EXIT_USAGE } from "./commands/exit-codes.ts"
import { addInit } from "./commands/init.ts"
import { type NewKeyOptions, newKey } from "./commands/new-key.ts"
import { print, printError, printJson } from "./commands/output.ts"
import { addPublish } from "./commands/publish.ts"
import { addQueues } from "./commands/queues.ts"
import { addSchemas } from "./commands/schemas.ts"
import { CommandError } from "./commands/service-client.ts"
import { showSettings } from "./commands/show-settings.ts"
import { asMessage, block, joined, jsonText, type Shown, shown } from "./commands/shown.ts"
import { onStopSignal } from "./commands/stop-signals.ts"
import { addStore } from "./commands/store.ts"
import { addTail } from "./commands/tail.ts"
import {
  ConfigError,
  describeSettings,
  describeVariables,
  explainEngine,
  parseConfig,
  readEnvironment,
} from "./config.ts"
import { EngineStartError } from "./engine/errors.ts"
import { EVENT_TYPES } from "./event/event-type.ts"
import { KeyFileError } from "./http/access/key-file.ts"
import { SCOPES } from "./http/access/scope.ts"
import { ListenError } from "./http/http-server.ts"
import { ModuleLoadError } from "./runtime/manifest.ts"
import { SchemaFileError } from "./schema/schema-catalog.ts"
import { logFormat } from "./telemetry/log-format.ts"
import { type Logger, openLog } from "./telemetry/logger.ts"
import { VERSION } from "./version.ts"

/** Below this file in the sources and in the binary alike; a module deeper down would not find them there. */
const WORKER_URL = new URL("./runtime/worker.ts", import.meta.url).href
const SYNC_THREAD_URL = new URL("./engine/embedded/sync-thread.ts", import.meta.url).href

const program = new Command("event-broker")
  // Before the commands are added: they take over what is set here.
  .configureOutput({
    writeOut: (text) => print(block(text)),
    writeErr: (text) => printError(block(text)),
    outputError: (text) => printError(shown`${asMessage(text.trimEnd())}\n`),
  })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_USAGE))
  .showSuggestionAfterError()
  .description("Takes events over HTTP, stores them durably, and runs the handlers that react to them.")
  .version(VERSION)
  .addHelpText(
    "after",
    () => `\nConfiguration, by environment variables or a .env file here:\n${variablesHelp()}`,
  )

program
  .command("serve", { isDefault: true })
  .description("run the service (the default)")
  .option("--greet", "say in plain text where it listens, and how to try it")
  .action(async ({ greet }: { greet?: boolean }) => serve(greet ?? false))

program
  .command("health")
  .description("ask a service on this machine how it is; exit code 0 where it is well, else 1")
  .option("--live", "only whether its process answers: for what restarts it")
  .option("--ready", "whether to send it traffic")
  .option("--url <url>", "another service")
  .option("--json", "as JSON, as it always is")
  .action(async ({ live, ready, url }: { live?: boolean; ready?: boolean; url?: string }) => {
    const question = live ? "live" : ready ? "ready" : "report"
    const { isWell, text } = await checkHealth(url ?? configuredUrl(), question)
    const write = isWell ? print : printError
    write(shown`${text}\n`)
    process.exitCode = isWell ? 0 : EXIT_REFUSED
  })

program
  .command("config")
  .description("print every variable as it is in force, and where its value comes from; secrets are masked")
  .option("--json", "as JSON")
  .action(({ json }: { json?: boolean }) => {
    try {
      parseConfig(readEnvironment())
    } catch (error) {
      printError(shown`event-broker: ${explain(error)}\n`)
      process.exitCode = EXIT_USAGE
    }
    if (json) printJson(describeSettings())
    else print(showSettings(describeSettings()))
  })

program
  .command("keys")
  .description("make keys for the file of API_KEYS_FILE")
  .command("new")
  .description("print a new key, once, and the line of it to store")
  .requiredOption("--name <name>", "whose key it is; it is in the log and in refusals")
  .addOption(new Option("--scope <scope...>", "what it may do").choices([...SCOPES]).makeOptionMandatory())
  .addOption(
    new Option(
      "--type <type...>",
      "limit the key to events of these types: what it publishes, sees and redrives",
    ).choices([...EVENT_TYPES]),
  )
  .option("--json", "as JSON")
  .action((options: NewKeyOptions & { readonly json?: boolean }) => {
    const { key, line } = newKey(options)
    if (options.json) return printJson({ key, line })
    printError(block("The key, which is stored nowhere, and the line for the file of API_KEYS_FILE:\n"))
    print(shown`${key}\n${jsonText(line)}\n`)
  })

addPublish(program)
addTail(program)
addQueues(program)
addDeadLetters(program)
addSchemas(program)
addStore(program)
addInit(program)
addApiDocument(program)
addCompletions(program)

// Without a command it serves; a name that is none is not an argument of that.
const [given = "-"] = process.argv.slice(2)
if (!given.startsWith("-") && ![...program.commands.map((each) => each.name()), "help"].includes(given)) {
  program.error(`event-broker: there is no command ${given}; event-broker --help lists those that there are`)
}
try {
  await program.parseAsync()
} catch (error) {
  printError(shown`event-broker: ${explain(error)}\n`)
  process.exitCode = error instanceof CommandError ? error.exitCode : EXIT_USAGE
}

/** Where the configuration here says that the service listens. */
function configuredUrl(): string {
  try {
    return localUrl(parseConfig(readEnvironment()))
  } catch (error) {
    printError(shown`event-broker: ${explain(error)}\n`)
    process.exit(EXIT_USAGE)
  }
}

async function serve(shouldGreet: boolean): Promise<void> {
  try {
    const environment = readEnvironment()
    const config = parseConfig(environment)
    const log = openLog(config.LOG_LEVEL, logFormat(config.LOG_FORMAT, environment))
    const { logger } = log
    const where =
      config.ENGINE === "embedded" ? { data_dir: config.DATA_DIR } : { hosts: config.RABBITMQ_HOST }
    logger.info(
      { version: VERSION, engine: config.ENGINE, why: explainEngine(environment), ...where },
      "starting",
    )
    const isHandlersDirGiven = Boolean(environment["HANDLERS_DIR"])
    const hasStarted = stopOnSignal(logger)
    const app = await startApp({
      config,
      isHandlersDirGiven,
      workerUrl: WORKER_URL,
      syncThreadUrl: SYNC_THREAD_URL,
      log,
    })
    hasStarted(app)
    void app.failed.then(async () => {
      logger.fatal("stopping, because the engine has failed; the line that says so has the reason")
      await app.stop()
      logger.info("stopped")
      process.exit(EXIT_REFUSED)
    })
    log.say(bannerLines(app.url, config))
    if (shouldGreet) print(block(greeting(app.url)))
  } catch (error) {
    printError(shown`event-broker: ${explain(error)}\n`)
    process.exit(error instanceof ConfigError ? EXIT_USAGE : EXIT_REFUSED)
  }
}

/**
 * The first signal stops the service in order; a further SIGTERM or SIGINT, or a signal while it starts, ends it at once.
 * Call it before the start: otherwise a signal in the moment in which it listens ends it as if it had been killed.
 * @returns what to call once the service has started
 */
function stopOnSignal(logger: Logger): (app: App) => void {
  let running: App | null = null
  let isStopping = false
  onStopSignal(async (signal) => {
    // A terminal that closes may send SIGHUP twice, from the kernel and from its shell.
    if (isStopping && signal === "SIGHUP") return
    if (isStopping) process.exit(EXIT_REFUSED)
    isStopping = true
    logger.info({ signal }, "stopping")
    // What is still being started has answered nobody, and the store can be left at any moment.
    await running?.stop()
    logger.info({ signal }, "stopped")
    process.exit(0)
  })
  return (app) => {
    running = app
  }
}

function explain(error: unknown): Shown {
  if (error instanceof ConfigError) {
    const faults = error.faults.map(({ name, message }) => shown`\n  ${name} ${message}`)
    return shown`the configuration is wrong:${joined(faults)}`
  }
  const foreseen = [
    EngineStartError,
    HandlersDirError,
    ModuleLoadError,
    ListenError,
    KeyFileError,
    SchemaFileError,
  ]
  if (error instanceof Error && foreseen.some((kind) => error instanceof kind)) return shown`${error.message}`
  if (error instanceof CommandError) return asMessage(error.message)
  return asMessage(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

function variablesHelp(): string {
  return describeVariables()
    .map((variable) => `  ${variable.name.padEnd(22)} ${variable.meaning} Default: ${variable.default}`)
    .join("\n")
}

function greeting(url: string): string {
  const draft = { type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "hello" } }
  return `
Publish an event to Event Broker on ${url}:

  curl -X POST ${url}/api/v1/events -H 'Content-Type: application/json' -d '${JSON.stringify(draft)}'

`
}
