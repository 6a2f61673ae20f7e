import { fstatSync, openSync, statSync } from "node:fs"
import { type Command, InvalidArgumentError, type Option } from "commander"
import { EVENT_TYPES } from "../event/event-type.ts"
import { parseJsonText } from "../event/json-text.ts"
import { PRIORITIES } from "../event/priority.ts"
import { EXIT_PARTLY, EXIT_REFUSED, EXIT_USAGE } from "./exit-codes.ts"
import { LineBound } from "./line-bound.ts"
import { choiceOption } from "./option-values.ts"
import { continueWithoutReader, countWithoutOutput, print, printError, printJson } from "./output.ts"
import { ProgressLine } from "./progress-line.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { jsonText, shown } from "./shown.ts"
import { splitStream } from "./split-stream.ts"
import { StallNotice } from "./stall-notice.ts"

const PATH = "/api/v1/events"

/** Files with an event per line, even without `--ndjson`. */
const LINES = /\.(ndjson|jsonl)$/

/** The media type of an answer to lines. */
const LINES_TYPE = /^application\/x-ndjson\b/i

/** Largest input that is read as a whole, in bytes. No service takes a larger batch by default. */
const MAX_TEXT_BYTES = 67_108_864

/** Failures that are shown one by one. Of the others, only the number is shown. */
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

/** The flags that describe one event. */
const DRAFT_FLAGS: ReadonlySet<string> = new Set([
  "--type",
  "--name",
  "--payload",
  "--id",
  "--priority",
  "--routing-key",
  "--ordering-key",
  "--metadata",
])

const isGiven = (command: Command, option: Option): boolean =>
  command.getOptionValue(option.attributeName()) !== undefined

/** How many events were stored, and how many were not. */
interface Counts {
  readonly stored: number
  readonly failed: number
}

interface BatchAnswer {
  readonly count: number
  readonly failed: number
  readonly events: readonly LineAnswer[]
}

/** The answer to one event of many. */
interface LineAnswer {
  readonly status: string
  readonly index?: number
  /** Of an upload of lines. */
  readonly line?: number
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
      "a file, or - for standard input: one event as JSON, a JSON array of up to 1,000, or an event per line if the file ends in .ndjson or .jsonl",
    )
    .description("publish one event from flags or a file, or many from a file")
    .addOption(choiceOption("--type <type>", "type of the event", EVENT_TYPES))
    .option("--name <name>", "name of the event, such as call.ended")
    .option("--payload <json>", "payload, as a JSON object (default: {})", readJson)
    .option("--id <id>", "id of the event; give the same when you publish it again (default: a new one)")
    .addOption(choiceOption("--priority <priority>", "priority (default: medium)", PRIORITIES))
    .option("--routing-key <key>", "topic (default: events.<type>.<name>)")
    .option("--ordering-key <key>", "handle events with this key one after the other")
    .option("--metadata <json>", "metadata, as a JSON object (default: {})", readJson)
    .option("--ndjson", "the file has an event per line, any number of them")
  askingService(command).action(async (file: string | undefined, options: PublishOptions) => {
    countWithoutOutput()
    const client = new ServiceClient(options)
    const flags = command.options.filter((each) => DRAFT_FLAGS.has(each.long ?? "") && isGiven(command, each))
    if (file === undefined && (options.type === undefined || options.name === undefined))
      throw usage("give --type and --name, or a file, or - for standard input")
    if (file !== undefined && flags.length > 0) {
      const given = flags.map(({ long }) => long).join(", ")
      throw usage(`a file has whole events: leave out ${given}, or the file`)
    }
    if (file === undefined && options.ndjson) throw usage("--ndjson needs a file, or - for standard input")
    if (file !== undefined && (options.ndjson || LINES.test(file)))
      await publishLinesOf(client, file, options)
    else if (file === undefined) await publishOne(client, draftOf(options), options)
    else await publishText(client, await readText(file), options)
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

/** A file has one event or a batch: an array of events, or the object that the service takes. */
async function publishText(client: ServiceClient, text: string, options: PublishOptions): Promise<void> {
  if (text.trim() === "") throw noInput()
  if (/^\s*\[/.test(text)) return publishBatch(client, `{"events":${text}}`, options)
  const value = parseOrUndefined(text)
  if (isBatch(value)) return publishBatch(client, text, options)
  if (value === undefined && isLines(text))
    return publishLines(client, new Blob([text]).stream(), null, options)
  return publishOne(client, text, options)
}

/** Several lines, of which the first is JSON on its own. */
function isLines(text: string): boolean {
  const [first = "", ...rest] = text.trim().split("\n")
  return rest.length > 0 && parseOrUndefined(first) !== undefined
}

/** Parses JSON; undefined for anything else, of which the service says where the fault is. */
function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isBatch(value: unknown): boolean {
  return typeof value === "object" && value !== null && "events" in value && !("type" in value)
}

async function publishBatch(client: ServiceClient, body: string, { json }: PublishOptions): Promise<void> {
  const headers = { "Content-Type": "application/json" }
  const response = await client.sendAnyway(`${PATH}/batch`, { method: "POST", headers, body })
  const text = await response.text()
  const answer = batchAnswer(text)
  if (answer === null) throw await client.refusal(response, text)
  if (json) print(jsonText(`${text}\n`))
  const failures = answer.events.filter(({ status }) => status === "failed")
  for (const [place, failure] of failures.entries()) tell(failure, place + 1)
  conclude({ stored: answer.count, failed: answer.failed }, json)
}

/** The answer to a batch of which every event was looked at; null for another answer. */
function batchAnswer(text: string): BatchAnswer | null {
  try {
    const answer = JSON.parse(text) as Partial<BatchAnswer> | null
    const { count, failed, events } = answer ?? {}
    return Array.isArray(events) && count !== undefined && failed !== undefined
      ? { count, failed, events }
      : null
  } catch {
    return null
  }
}

async function publishOne(client: ServiceClient, body: string, { json }: PublishOptions): Promise<void> {
  const headers = { "Content-Type": "application/json" }
  const receipt = await client.ask<{ readonly id: string; readonly routing_key: string }>(PATH, {
    method: "POST",
    headers,
    body,
  })
  if (json) printJson(receipt)
  else print(shown`stored ${receipt.id} on ${receipt.routing_key}\n`)
}

function publishLinesOf(client: ServiceClient, file: string, options: PublishOptions): Promise<void> {
  if (file === "-") return publishLines(client, Bun.stdin.stream(), null, options)
  return publishLines(client, Bun.file(openForReading(file)).stream(), statSync(file).size, options)
}

/** @param bytes how many there are; null if that is not known */
async function publishLines(
  client: ServiceClient,
  source: ReadableStream<Uint8Array>,
  bytes: number | null,
  { json }: PublishOptions,
): Promise<void> {
  continueWithoutReader()
  using progress = new ProgressLine(bytes)
  using stall = new StallNotice(() => progress.clear())
  const line = new LineBound()
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      progress.sent(chunk.length)
      stall.sent(chunk)
      line.sent(chunk)
      controller.enqueue(chunk)
    },
    flush: () => stall.ended(),
  })
  const request = client.send(`${PATH}/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: source.pipeThrough(counted),
  })
  // Otherwise the failed upload looks like a service that can't be reached.
  const response = await request.catch((error: unknown) => {
    throw line.fault ?? error
  })
  if (!LINES_TYPE.test(response.headers.get("Content-Type") ?? "")) {
    throw client.foreign({ status: response.status, headers: response.headers, text: await response.text() })
  }
  const counts = { stored: 0, failed: 0 }
  for await (const text of splitStream(response, "\n")) {
    stall.answered()
    if (json) print(jsonText(`${text}\n`))
    const answer = JSON.parse(text) as LineAnswer
    if (answer.status === "failed") {
      progress.clear()
      tell(answer, ++counts.failed)
    } else counts.stored++
    progress.show(counts)
  }
  if (line.fault !== null) throw line.fault
  if (counts.stored + counts.failed === 0) throw noInput()
  progress.end(counts)
  conclude(counts, json)
}

function conclude({ stored, failed }: Counts, json: boolean | undefined): void {
  if (failed > MAX_TOLD) printError(shown`… and ${failed - MAX_TOLD} more\n`)
  if (!json) print(shown`${stored} stored, ${failed} failed\n`)
  if (failed > 0) process.exitCode = stored > 0 ? EXIT_PARTLY : EXIT_REFUSED
}

/** Says why an event failed, if not too many did. */
function tell({ index, line, problem }: LineAnswer, failures: number): void {
  if (failures > MAX_TOLD) return
  const faults = (problem?.errors ?? []).map(({ pointer, message }) => `${pointer || "/"} ${message}`)
  const why = faults.length > 0 ? `${problem?.title}: ${faults.join("; ")}` : problem?.detail
  const place = line === undefined ? `event ${(index ?? 0) + 1}` : `line ${line}`
  printError(shown`${place}: ${why ?? "the service did not say why"}\n`)
}

async function readText(file: string): Promise<string> {
  const input = file === "-" ? Bun.stdin : Bun.file(openForReading(file))
  const what = file === "-" ? "the input" : file
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input.stream()) {
    size += chunk.length
    if (size > MAX_TEXT_BYTES)
      throw usage(
        `${what} is larger than ${MAX_TEXT_BYTES} bytes: write an event per line, and give --ndjson`,
      )
    chunks.push(chunk)
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    // Otherwise the text would be published with replacement characters.
    throw usage(`${what} is not UTF-8`)
  }
}

function openForReading(file: string): number {
  try {
    const descriptor = openSync(file, "r")
    if (!fstatSync(descriptor).isDirectory()) return descriptor
  } catch (error) {
    throw usage(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw usage(`${file} is a folder: name a file`)
}

function readJson(text: string): unknown {
  try {
    return parseJsonText(text, "It")
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentError(`${reason}. In a shell, put JSON between single quotes.`)
  }
}

/** The error for input without an event. A script that makes none probably has a fault of its own. */
const noInput = (): CommandError => usage("the input is empty: nothing was published")

const usage = (message: string): CommandError => new CommandError(message, EXIT_USAGE)
