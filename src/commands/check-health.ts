import { type Command, Option } from "commander"
import { EXIT_REFUSED, EXIT_UNREACHABLE } from "./exit-codes.ts"
import { print } from "./output.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { alignedRows, joined, jsonText, type Shown, shown, verbatim } from "./shown.ts"

/** Time limit of an answer, in milliseconds. The service answers within 50, whatever its engine does. */
const TIMEOUT_MS = 3_000

interface Options extends ServiceOptions {
  readonly live?: boolean
  readonly ready?: boolean
}

/** The body of a health route. `/health/live` has only the status. */
interface Report {
  readonly status: string
  readonly version?: string
  readonly engine?: string
  readonly checks?: Readonly<Record<string, { readonly status: string; readonly detail?: string }>>
}

export function addHealth(program: Command): void {
  const command = program
    .command("health")
    .description("show whether the service works; the exit code is 0 if it does, otherwise 1")
    .addOption(
      new Option(
        "--live",
        "check only that the process answers, for a supervisor that restarts it",
      ).conflicts("ready"),
    )
    .option("--ready", "check whether it takes events, for a load balancer")
  askingService(command).action(checkHealth)
}

/** @throws {CommandError} with exit code 1 if nothing answers: a service that does not answer does not work. */
async function checkHealth(options: Options): Promise<void> {
  // A service that does not listen yet is not healthy yet.
  const client = new ServiceClient(options, 0)
  const path = options.live ? "/health/live" : options.ready ? "/health/ready" : "/health"
  try {
    const response = await client.sendAnyway(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const text = await response.text()
    const report = parseReport(text)
    if (report === null)
      throw response.ok
        ? client.foreign({ status: response.status, headers: response.headers, text })
        : await client.refusal(response, text)
    print(options.json ? shown`${jsonText(text.trim())}\n` : showReport(report))
    process.exitCode = response.ok ? 0 : EXIT_REFUSED
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT_UNREACHABLE) {
      throw new CommandError(error.message, EXIT_REFUSED)
    }
    throw error
  }
}

/** Parses a report; null for another text. Another program, such as a proxy, may answer with anything. */
function parseReport(text: string): Report | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return isReport(parsed) ? parsed : null
  } catch {
    return null
  }
}

const isReport = (value: unknown): value is Report =>
  typeof value === "object" && value !== null && "status" in value && typeof value.status === "string"

function showReport({ status, version, engine, checks = {} }: Report): Shown {
  const about = version === undefined ? "" : `: Event Broker ${version} on the ${engine ?? "unknown"} engine`
  const rows = Object.entries(checks).map(([name, check]) => [`  ${name}`, check.status, check.detail ?? ""])
  return joined([shown`${status}${about}\n`, ...alignedRows(rows).map((line) => shown`${verbatim(line)}\n`)])
}
