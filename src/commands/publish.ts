import { openSync, statSync } from "node:fs"
import { type Command, InvalidArgumentError, Option } from "commander"
import { EVENT_TYPES } from "../event/event-type.ts"
import { PRIORITIES } from "../event/priority.ts"
import { EXIT_PARTLY, EXIT_REFUSED, EXIT_USAGE } from "./exit-codes.ts"
import { print, printError, printJson } from "./output.ts"
import { ProgressLine } from "./progress-line.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { jsonText, shown } from "./shown.ts"
import { splitStream } from "./split-stream.ts"

const PATH = "/api/v1/events"

/** Files that are lines without being said to be. */
const LINES = /\.(ndjson|jsonl)$/

/** Failures that are told one by one; of the others, only how many there were. */
const MAX_TOLD = 20

interface PublishOptions extends ServiceOptions {
  readonly type?: string
  readonly name?: string
  readonly payload?: unknown
  readonly id?: string
  readonly priority?: string
  readonly routingKey?: string
  readonly orderingKey?: string
  readonly metadata?: unknown
  readonly ndjson?: boolean
}

/** What becomes of one line. */
interface LineAnswer {
  readonly status: string
  readonly index?: number
  readonly problem?: {
    readonly title: string
    readonly detail: string
    readonly errors?: readonly { readonly pointer?: string; readonly message: string }[]
  }
}

export function addPublish(program: Command): void {
  const command = program
    .command("publish")
    .argument(
      "[file]",
      "an event as JSON, or - for standard input; events a line each where it ends in .ndjson",
    )
    .description("publish an event from flags, a file or standard input, or many, a line each")
    .addOption(new Option("--type <type>", "what kind of event it is").choices([...EVENT_TYPES]))
    .option("--name <name>", "what happened")
    .option("--payload <json>", "what the handlers get, as a JSON object", readJson)
    .option("--id <id>", "names the event; a retry uses the same")
    .addOption(
      new Option("--priority <priority>", "which of the waiting goes first").choices([...PRIORITIES]),
    )
    .option("--routing-key <key>", "the topic, if not events.<type>.<name>")
    .option("--ordering-key <key>", "events with the same are handled one after the other")
    .option("--metadata <json>", "what is said about the event, as a JSON object", readJson)
    .option("--ndjson", "the file has an event a line, any number of them")
  askingService(command).action(async (file: string | undefined, options: PublishOptions) => {
    const client = new ServiceClient(options)
    const isFromFlags = options.type !== undefined || options.name !== undefined
    if (file === undefined && !isFromFlags)
      throw usage("give --type and --name, or a file, or - for standard input")
    if (file !== undefined && isFromFlags) throw usage("give either flags for the event, or a file")
    if (file !== undefined && (options.ndjson || LINES.test(file))) await publishLines(client, file, options)
    else await publishOne(client, file === undefined ? draftOf(options) : await readText(file), options)
  })
}

function draftOf({
  type,
  name,
  payload = {},
  id,
  priority,
  routingKey,
  orderingKey,
  metadata,
}: PublishOptions): string {
  const draft = {
    type,
    name,
    payload,
    id,
    priority,
    metadata,
    routing_key: routingKey,
    ordering_key: orderingKey,
  }
  return JSON.stringify(draft)
}

async function publishOne(client: ServiceClient, body: string, { json }: PublishOptions): Promise<void> {
  const headers = { "Content-Type": "application/json" }
  const response = await client.send(PATH, { method: "POST", headers, body })
  const receipt = (await response.json()) as { readonly id: string; readonly routing_key: string }
  if (json) printJson(receipt)
  else print(shown`stored ${receipt.id} on ${receipt.routing_key}\n`)
}

async function publishLines(client: ServiceClient, file: string, { json }: PublishOptions): Promise<void> {
  const source = file === "-" ? Bun.stdin : Bun.file(openForReading(file))
  using progress = new ProgressLine(file === "-" ? null : statSync(file).size)
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      progress.sent(chunk.length)
      controller.enqueue(chunk)
    },
  })
  const response = await client.send(`${PATH}/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: source.stream().pipeThrough(counted),
  })
  const counts = { stored: 0, failed: 0 }
  for await (const line of splitStream(response, "\n")) {
    if (json) print(jsonText(`${line}\n`))
    const answer = JSON.parse(line) as LineAnswer
    if (answer.status === "failed") tell(answer, ++counts.failed, progress)
    else counts.stored++
    progress.show(counts)
  }
  progress.end(counts)
  if (counts.failed > MAX_TOLD) printError(shown`… and ${counts.failed - MAX_TOLD} more\n`)
  if (!json) print(shown`${counts.stored} stored, ${counts.failed} failed\n`)
  if (counts.failed > 0) process.exitCode = counts.stored > 0 ? EXIT_PARTLY : EXIT_REFUSED
}

function tell({ index, problem }: LineAnswer, failures: number, progress: ProgressLine): void {
  if (failures > MAX_TOLD) return
  const faults = (problem?.errors ?? []).map(({ pointer, message }) => `${pointer || "/"} ${message}`)
  const why = faults.length > 0 ? `${problem?.title}: ${faults.join("; ")}` : problem?.detail
  progress.clear()
  printError(shown`event ${(index ?? 0) + 1}: ${why ?? "the service did not say why"}\n`)
}

async function readText(file: string): Promise<string> {
  return file === "-" ? Bun.stdin.text() : Bun.file(openForReading(file)).text()
}

function openForReading(file: string): number {
  try {
    return openSync(file, "r")
  } catch (error) {
    throw usage(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidArgumentError(
      `It is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}

const usage = (message: string): CommandError => new CommandError(message, EXIT_USAGE)
