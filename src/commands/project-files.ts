import { handlerTypesSource } from "./handler-types.ts" with { type: "macro" }

/** Stand in for the imports of the types of handler modules: a project has no package of ours. */
const ENVELOPE = `/** A stored event. */
export interface Event {
  readonly id: string
  readonly type: EventType
  readonly name: string
  readonly routing_key: string
  readonly payload: Record<string, unknown>
  readonly priority: Priority
  readonly metadata: Record<string, unknown>
  /** When it was accepted, in seconds since the epoch. */
  readonly timestamp: number
  readonly status: "pending"
  /** 0, then one more for each retry. */
  readonly retry_count: number
  readonly ordering_key?: string
}

/** What is published, before defaults are filled in. */
export interface EventDraft {
  /** A retry of a publish uses the same. Default: a new UUIDv7. */
  readonly id?: string
  readonly type: EventType
  /** Words of letters, digits, _ and -, joined by dots. */
  readonly name: string
  /** The topic. Default: \`events.<type>.<name>\`. */
  readonly routing_key?: string
  readonly payload: Record<string, unknown>
  /** Default: medium. */
  readonly priority?: Priority
  readonly metadata?: Record<string, unknown>
  /** Events of one queue with the same key are handled one at a time, in their order. */
  readonly ordering_key?: string
}

export type EventType = "voice" | "user" | "system" | "notification" | "custom"

export type Priority = "low" | "medium" | "high" | "critical"

/** Where in a distributed trace something happens, as W3C Trace Context has it. */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate: string | null
}
`

/** The types of handler modules, in one file that imports nothing. */
const types = (): string =>
  handlerTypesSource()
    .replaceAll(/^import .*\n/gm, "")
    .replace(/^export type \{ Event, EventDraft, TraceContext \}\n/m, ENVELOPE)
    .replaceAll(/^\/\/ biome-ignore.*\n/gm, "")

const HANDLER = `import type { HandlerModule } from "event-broker"

/** Logs what was said, and publishes an alert when a caller asks for a person. */
export default {
  queue: "voice_events",
  retry: { attempts: 3, backoff: { initial: 1_000, factor: 2, max: 60_000 } },
  on: {
    async speech_recognized(event, ctx) {
      const text = String(event.payload["text"])
      ctx.log.info("heard: " + text, { call_id: event.payload["call_id"] })
      if (/\\b(human|person|agent)\\b/i.test(text)) {
        await ctx.publish({
          type: "notification",
          name: "alert.raised",
          payload: { call_id: event.payload["call_id"], reason: "the caller asks for a person" },
          priority: "high",
        })
      }
    },
    "call.ended": async (event, ctx) => {
      if (event.payload["duration_seconds"] === undefined) throw new Error("a call without a duration")
      ctx.log.info("the call has ended", { seconds: event.payload["duration_seconds"] })
    },
  },
} satisfies HandlerModule
`

const SCHEMA = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Speech recognised",
  "type": "object",
  "properties": {
    "call_id": { "type": "string", "minLength": 1 },
    "text": { "type": "string" }
  },
  "required": ["call_id", "text"],
  "additionalProperties": false
}
`

const TEST = `import { expect, test } from "bun:test"
import voice from "../handlers/voice.ts"
import { newContext, newEvent } from "./handler-context.ts"

test("a caller who asks for a person raises an alert", async () => {
  const ctx = newContext()
  const event = newEvent({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "a human, please" } })
  await voice.on.speech_recognized(event, ctx)
  expect(ctx.published).toMatchObject([{ name: "alert.raised", payload: { call_id: "c-1" } }])
})

test("one who does not raises none", async () => {
  const ctx = newContext()
  const event = newEvent({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "hello" } })
  await voice.on.speech_recognized(event, ctx)
  expect(ctx.published).toEqual([])
  expect(ctx.logged).toEqual(["heard: hello"])
})
`

const CONTEXT = `import { type Event, type EventDraft, type HandlerContext, verdict } from "event-broker"

/** What a handler is called with, without a broker: it keeps what the handler publishes and logs. */
export interface TestContext extends HandlerContext {
  readonly published: Event[]
  readonly logged: string[]
}

/** An event as it would be delivered. */
export const newEvent = (draft: EventDraft): Event => ({
  id: crypto.randomUUID(),
  routing_key: "events." + draft.type + "." + draft.name,
  priority: "medium",
  metadata: {},
  timestamp: Date.now() / 1_000,
  status: "pending",
  retry_count: 0,
  ...draft,
})

export function newContext(): TestContext {
  const published: Event[] = []
  const logged: string[] = []
  const log = (message: string): void => void logged.push(message)
  return {
    published,
    logged,
    queue: "voice_events",
    attempt: 1,
    lastError: null,
    trace: null,
    signal: new AbortController().signal,
    log: { debug: log, info: log, warn: log, error: log },
    publish: async (draft) => {
      const event = newEvent(draft)
      published.push(event)
      return event
    },
    retry: () => ({ [verdict]: true }),
    deadLetter: () => ({ [verdict]: true }),
  }
}
`

const TSCONFIG = `{
  "compilerOptions": {
    "target": "ESNext",
    "module": "Preserve",
    "moduleResolution": "bundler",
    "lib": ["ESNext", "DOM"],
    "types": [],
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "strict": true,
    "skipLibCheck": true,
    "paths": { "event-broker": ["./types/event-broker.ts"] }
  },
  "include": ["handlers", "types"]
}
`

const ENVIRONMENT = `# What there is to set: event-broker config
HOST=127.0.0.1
HANDLERS_DIR=handlers
SCHEMAS_DIR=schemas
DATA_DIR=data
`

const README = `# Event handlers

    event-broker                                        # runs them, with the settings in .env
    event-broker tail                                   # in a second terminal: events as they come
    event-broker publish --type voice --name speech_recognized --payload '{"call_id":"c-1","text":"a human, please"}'
    BUN_BE_BUN=1 event-broker test                      # the handlers' tests, without a broker

- \`handlers/\`: a module for each queue. Files are read at the start.
- \`schemas/\`: what payloads have to be, \`<type>/<name>.json\`, as JSON Schema. What does not fit is refused.
- \`tests/\`: handlers are functions; they are called with a context that keeps what they publish.
- \`types/\`: what editors know of handlers. Nothing has to be installed for it.
`

/** The files of a new project, by their paths. */
export const projectFiles = (): Readonly<Record<string, string>> => ({
  ".env": ENVIRONMENT,
  ".gitignore": "data/\n",
  "README.md": README,
  "handlers/voice.ts": HANDLER,
  "schemas/voice/speech_recognized.json": SCHEMA,
  "tests/handler-context.ts": CONTEXT,
  "tests/voice.test.ts": TEST,
  "tsconfig.json": TSCONFIG,
  "types/event-broker.ts": types(),
})
