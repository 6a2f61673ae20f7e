import type { Command } from "commander"
import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { counted } from "../event/counted.ts"
import type { Event } from "../event/envelope.ts"
import { explainNetworkFault } from "../telemetry/network-fault.ts"
import { readCount } from "./dead-letters.ts"
import { print, printError } from "./output.ts"
import {
  askingService,
  CommandError,
  mayPass,
  ServiceClient,
  type ServiceOptions,
  UnreachableError,
} from "./service-client.ts"
import { jsonText, type Shown, shown, styled } from "./shown.ts"
import { splitStream } from "./split-stream.ts"
import { adviseOnTopics } from "./topic-advice.ts"

/** Waits before a stream that has ended is requested again. */
const BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 10_000 }

const STREAM_TYPE = "text/event-stream"

const PRIORITY_STYLES = { low: "dim", medium: "reset", high: "yellow", critical: "red" } as const

interface TailOptions extends ServiceOptions {
  readonly count?: number
  readonly outcomes?: boolean
}

/** One server-sent event. */
interface Message {
  readonly event: string
  readonly data: string
}

export function addTail(program: Command): void {
  const command = program
    .command("tail")
    .argument("[topics...]", "topic patterns, such as 'events.voice.#' (default: all events)")
    .description("show events as they are stored: in colours on a terminal, as JSON lines in a pipe")
    .option("--outcomes", "also show how attempts end")
    .option("--count <count>", "end after this many lines", readCount)
  askingService(command).action(tail)
}

async function tail(topics: readonly string[], options: TailOptions): Promise<void> {
  const client = new ServiceClient(options, Number.POSITIVE_INFINITY)
  const query = topics.length > 0 ? `?topics=${topics.map(encodeURIComponent).join(",")}` : ""
  const isText = process.stdout.isTTY === true && !options.json
  let left = options.count ?? Number.POSITIVE_INFINITY
  const show = (describe: (data: string) => Shown, data: string): void => {
    print(isText ? describe(data) : jsonText(`${data}\n`))
    if (--left === 0) process.exit(0)
  }
  const streams = [
    follow(client, {
      path: `/api/v1/events/stream${query}`,
      kind: "event",
      // Beside the stream, which is open: no event waits for the advice.
      onOpen: () => void noteAdvice(client, topics),
      onData: (data) => show(describe, data),
    }),
  ]
  if (options.outcomes) {
    const onData = (data: string): void => show(describeOutcome, data)
    streams.push(
      follow(client, { path: "/api/v1/events/outcomes", kind: "outcome", onOpen: () => {}, onData }),
    )
  }
  await Promise.all(streams)
}

interface Followed {
  readonly path: string
  /** The server-sent events to show. */
  readonly kind: string
  /** Called when the stream is open for the first time. */
  readonly onOpen: () => void
  readonly onData: (data: string) => void
}

/** Shows a stream, and opens it again whenever it ends. Rejects with a fault that stays. */
async function follow(client: ServiceClient, { path, kind, onOpen, onData }: Followed): Promise<never> {
  const delays = new RetryDelays(BACKOFF)
  let isFirst = true
  for (;;) {
    let fault = "the service has ended the stream"
    try {
      const response = await client.send(path)
      const { status, headers } = response
      if (!headers.get("Content-Type")?.startsWith(STREAM_TYPE))
        throw client.foreign({ status, headers, text: "" })
      delays.reset()
      if (isFirst) onOpen()
      else note(`connected again; ${kind}s that were stored in between are missed`)
      isFirst = false
      for await (const { event, data } of messagesOf(response)) {
        if (event === "missed") note(describeMissed(JSON.parse(data).count))
        if (event === kind) onData(data)
      }
    } catch (error) {
      // Nothing that stays wrong is repeated. At the first time that may be the URL, too.
      if (isFirst || !mayPass(error)) throw error
      fault = faultOf(error)
    }
    const waitMs = delays.next()
    note(`${fault.replace(/\.$/, "")}; trying again in ${Math.round(waitMs / 100) / 10} s`)
    await Bun.sleep(waitMs)
  }
}

/** Notes which topics can't match. */
async function noteAdvice(client: ServiceClient, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return
  try {
    const { queues } = await client.ask<{
      readonly queues: readonly { readonly name: string; readonly bindings: readonly string[] }[]
    }>("/api/v1/queues")
    const advice = adviseOnTopics(
      topics.flatMap((topic) => topic.split(",")),
      queues,
    )
    for (const each of advice) note(each)
  } catch {
    // Only the advice is lost: a limited key may not see the queues, and a lost connection ends the stream too.
  }
}

function faultOf(error: unknown): string {
  if (error instanceof UnreachableError) return error.fault
  if (error instanceof CommandError) return error.message
  return `the connection to the service was lost: ${explainNetworkFault(error)}`
}

const note = (text: string): void => printError(shown`event-broker: ${text}\n`)

const describeMissed = (count: number | null): string =>
  count === null
    ? "some events may have been missed: RabbitMQ was away"
    : `${counted(count, "event")} missed: read too slowly, or not fit to be shown`

function describe(data: string): Shown {
  const { id, type, name, priority, timestamp, payload }: Event = JSON.parse(data)
  const time = timeOf(timestamp)
  const what = styled(["bold", PRIORITY_STYLES[priority]], `${type}.${name}`)
  return shown`${styled("dim", time)} ${what} ${styled("dim", id)} ${jsonText(JSON.stringify(payload))}\n`
}

/** An outcome as the stream sends it. */
interface Outcome {
  readonly at: number
  readonly id: string
  readonly queue: string
  readonly attempt: number | null
  readonly duration_ms?: number
  readonly outcome: keyof typeof OUTCOME_STYLES
  readonly reason?: string
  readonly error?: { readonly name: string; readonly message: string }
}

const OUTCOME_STYLES = { handled: "green", retry: "yellow", "dead-letter": "red" } as const

function describeOutcome(data: string): Shown {
  const { at, id, queue, attempt, duration_ms: ms, outcome, reason, error }: Outcome = JSON.parse(data)
  const what = styled(["bold", OUTCOME_STYLES[outcome]], outcome)
  const tried = attempt === null ? "" : ` attempt ${attempt}`
  const after = ms === undefined ? "" : `, ${Math.round(ms)} ms`
  const why = reason === undefined ? "" : `, ${reason}`
  const text = error === undefined ? "" : `: ${error.name}: ${error.message}`
  return shown`${styled("dim", timeOf(at))} ${what} ${styled("dim", id)} ${queue}${tried}${after}${why}${text}\n`
}

/** Returns the time of day, or the number itself if another program has sent one that is not a time. */
function timeOf(timestamp: number): string {
  const date = new Date(timestamp * 1_000)
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString().slice(11, 23)
}

async function* messagesOf(response: Response): AsyncGenerator<Message> {
  for await (const part of splitStream(response, "\n\n")) {
    const [, event, data] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(part) ?? []
    if (event !== undefined && data !== undefined) yield { event, data }
  }
}
