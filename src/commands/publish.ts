import { existsSync } from "node:fs"
import { type Command, InvalidArgumentError, type Option } from "commander"
import { isBatch } from "../event/batch.ts"
import { EVENT_TYPES } from "../event/event-type.ts"
import { isJsonObject, parseJsonText } from "../event/json-text.ts"
import { PRIORITIES } from "../event/priority.ts"
import { withoutType } from "../event/repeated-type.ts"
import { reasonOf } from "../system/reason-of.ts"
import { isJsonArgument, nameOf, openInput, parseInput, readInput, usage } from "./input.ts"
import { choiceOption } from "./option-values.ts"
import { countWithoutOutput, print, printFault, printJson } from "./output.ts"
import { commandFor, missingFlags } from "./publish-advice.ts"
import { noInput, publishLines } from "./publish-lines.ts"
import { conclude, type EventAnswer, tellFailure } from "./publish-outcome.ts"
import { type Body, sendOnce } from "./send-once.ts"
import {
  askingService,
  CommandError,
  RefusedError,
  ServiceClient,
  type ServiceOptions,
} from "./service-client.ts"
import { jsonText, shown } from "./shown.ts"

const PATH = "/api/v1/events"

/** Files with an event per line, even without `--ndjson`. */
const LINES = /\.(ndjson|jsonl)$/

/** The statuses of refusals of what a request contains: too large, and not valid. */
const CONTENT_FAULTS: readonly number[] = [413, 422]

/** The media types of bodies. */
const JSON_TYPE = "application/json"
const CLOUD_EVENT = "application/cloudevents+json"
const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"

/** Most events that the service takes in a batch. */
const MAX_BATCH_SIZE = 1_000

/** Ends the message about a file that is too large for one request. */
const LARGE_ADVICE = ": write an event per line, and give --ndjson"

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
  readonly idempotencyKey?: string
  readonly firstLine?: number
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

interface OwnReceipt {
  readonly id: string
  readonly routing_key: string
  readonly duplicate?: boolean
}

interface BatchAnswer {
  readonly count: number
  readonly failed: number
  readonly events: readonly EventAnswer[]
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
    .option(
      "--idempotency-key <key>",
      "key of the request; give the same when you publish the same again (default: a new one)",
    )
    .option(
      "--first-line <number>",
      "number of the first line, when lines are continued (default: 1)",
      readLineNumber,
    )
  askingService(command).action(async (file: string | undefined, options: PublishOptions) => {
    countWithoutOutput()
    const client = new ServiceClient(options)
    const flags = command.options.filter((each) => DRAFT_FLAGS.has(each.long ?? "") && isGiven(command, each))
    const missing = file === undefined ? missingFlags(options) : null
    if (missing !== null) throw usage(missing)
    if (file !== undefined && flags.length > 0) {
      const given = flags.map(({ long }) => long).join(", ")
      throw usage(`a file has whole events: leave out ${given}, or the file`)
    }
    if (file === undefined && options.ndjson) throw usage("--ndjson needs a file, or - for standard input")
    if (file === undefined) {
      warnOfName(options)
      return publishOne(client, { type: JSON_TYPE, text: draftOf(options) }, options)
    }
    if (isJsonArgument(file))
      throw usage(
        "the argument is JSON, not a file: pipe it to publish -, or use --type, --name and --payload",
      )
    const meant = existsSync(file) ? null : commandFor([file])
    if (meant !== null) throw usage(`there is no file ${file}; to publish an event: ${meant}`)
    if (options.ndjson || LINES.test(file)) await publishLines(client, file, openInput(file), options)
    else await publishText(client, file, options)
  })
}

/** Warns of a name that begins as its topic does, with `events` or the type. */
function warnOfName({ type = "", name = "" }: PublishOptions): void {
  const meant = withoutType(name, [type])
  if (meant === null) return
  printFault(
    shown`--name ${name} repeats the beginning of the topic, and the event is published so, as ${type}.${name}; did you mean --name ${meant}?`,
  )
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

/**
 * A file has one event or a batch: an array of events, or the object that the service takes. Or it has lines. An event can
 * be a CloudEvent, and so can all of an array.
 */
async function publishText(client: ServiceClient, file: string, options: PublishOptions): Promise<void> {
  const text = await readInput(file, LARGE_ADVICE)
  if (text.trim() === "") throw noInput()
  if (isLines(text)) {
    const input = { stream: new Blob([text]).stream(), bytes: null }
    return publishLines(client, file, input, options)
  }
  const value = parseInput(text, file)
  if (!isBatch(value)) {
    const type = isCloudEvent(value) ? CLOUD_EVENT : JSON_TYPE
    return naming(file, publishOne(client, { type, text }, options))
  }
  const events = eventsOf(value)
  if (events.length === 0) throw noInput()
  if (events.length > MAX_BATCH_SIZE) {
    const what = `${nameOf(file)} has ${events.length} events, and a batch has at most ${MAX_BATCH_SIZE}`
    throw usage(`${what}${LARGE_ADVICE}`)
  }
  await naming(file, publishBatch(client, batchOf(value, text), options))
}

/** The body for a batch: the service takes events in an object, and CloudEvents in an array. */
function batchOf(value: unknown, text: string): Body {
  if (!Array.isArray(value)) return { type: JSON_TYPE, text }
  if (value.some(isCloudEvent)) return { type: CLOUD_EVENT_BATCH, text }
  return { type: JSON_TYPE, text: `{"events":${text}}` }
}

const isCloudEvent = (value: unknown): boolean => isJsonObject(value) && "specversion" in value

/** Several lines, of which the first is JSON on its own. */
function isLines(text: string): boolean {
  const start = text.trimStart()
  const end = start.indexOf("\n")
  return end >= 0 && start.slice(end).trim() !== "" && isJson(start.slice(0, end))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The events of a batch. For `events` that is no list, one that the service refuses. */
const eventsOf = (batch: unknown): readonly unknown[] => {
  const events = isJsonObject(batch) ? batch["events"] : batch
  return Array.isArray(events) ? events : [events]
}

async function publishBatch(
  client: ServiceClient,
  body: Body,
  { json, idempotencyKey }: PublishOptions,
): Promise<void> {
  const { response, text } = await sendOnce(client, `${PATH}/batch`, body, idempotencyKey)
  const answer = batchAnswer(text)
  if (answer === null) throw await client.refusal(response, text)
  if (json) print(jsonText(`${text}\n`))
  const failures = answer.events.filter(({ status }) => status === "failed")
  for (const [place, failure] of failures.entries()) tellFailure(failure, place + 1)
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

async function publishOne(
  client: ServiceClient,
  body: Body,
  { json, idempotencyKey }: PublishOptions,
): Promise<void> {
  const { response, ...answer } = await sendOnce(client, PATH, body, idempotencyKey)
  if (!response.ok) throw await client.refusal(response, answer.text)
  const receipt = client.read<OwnReceipt>(answer)
  if (json) printJson(receipt)
  else if (receipt.duplicate) print(shown`${receipt.id} was stored before, on ${receipt.routing_key}\n`)
  else print(shown`stored ${receipt.id} on ${receipt.routing_key}\n`)
}

/** Waits for a publish of a file. A refusal of what the file has names it. */
async function naming(file: string, publishing: Promise<void>): Promise<void> {
  try {
    await publishing
  } catch (error) {
    if (!(error instanceof RefusedError) || !CONTENT_FAULTS.includes(error.status)) throw error
    throw new CommandError(`${nameOf(file)}: ${error.message}`, error.exitCode)
  }
}

function readLineNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError("It takes the number of a line, from 1 on.")
}

function readJson(text: string): unknown {
  try {
    return parseJsonText(text, "It")
  } catch (error) {
    const reason = reasonOf(error)
    throw new InvalidArgumentError(
      `${reason}. It takes JSON itself, not a file; in a shell, put JSON between single quotes.`,
    )
  }
}
