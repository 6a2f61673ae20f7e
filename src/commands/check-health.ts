import type { Command } from "commander"
import { EXIT_REFUSED, EXIT_UNREACHABLE } from "./exit-codes.ts"
import { print, printError } from "./output.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { asMessage, jsonText, type Shown, shown } from "./shown.ts"

/** How long the service may take to answer, in milliseconds. It answers within 50 whatever its engine does. */
const TIMEOUT_MS = 3_000

interface Options extends ServiceOptions {
  readonly live?: boolean
  readonly ready?: boolean
}

export function addHealth(program: Command): void {
  const command = program
    .command("health")
    .description("show how the service is, always as JSON; the exit code is 0 if it is well, else 1")
    .option("--live", "only whether its process answers: for what restarts it")
    .option("--ready", "whether to send traffic to it")
  askingService(command).action(checkHealth)
}

/** @throws {CommandError} with exit code 1 if nothing answers: a service that does not answer is not well. */
async function checkHealth(options: Options): Promise<void> {
  const client = new ServiceClient(options)
  const path = options.live ? "/health/live" : options.ready ? "/health/ready" : "/health"
  try {
    const response = await client.sendAnyway(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const write = response.ok ? print : printError
    write(shown`${showBody((await response.text()).trim())}\n`)
    process.exitCode = response.ok ? 0 : EXIT_REFUSED
  } catch (error) {
    if (error instanceof CommandError && error.exitCode !== EXIT_UNREACHABLE) throw error
    throw new CommandError(error instanceof Error ? error.message : String(error), EXIT_REFUSED)
  }
}

/** JSON keeps its value; another program, such as a proxy, may answer with anything. */
function showBody(body: string): Shown {
  try {
    JSON.parse(body)
    return jsonText(body)
  } catch {
    return asMessage(body)
  }
}
