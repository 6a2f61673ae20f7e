import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type {
  BatchContext,
  BatchHandlerModule,
  Event,
  HandlerContext,
  HandlerModule,
  LastError,
  ModuleOptions,
} from "../../src/handlers/handler-module.ts"

type Retry = NonNullable<ModuleOptions["retry"]>
type Backoff = NonNullable<Retry["backoff"]>
type Batch = BatchHandlerModule["batch"]

// The compiler refuses each of these when a type gets a key that is missing here.
const OPTIONS = {
  queue: true,
  bind: true,
  on: true,
  "retry.attempts": true,
  "retry.backoff.initial": true,
  "retry.backoff.factor": true,
  "retry.backoff.max": true,
  timeout: true,
  concurrency: true,
  setup: true,
  teardown: true,
  "batch.size": true,
  "batch.wait": true,
  single_active_consumer: true,
} satisfies Record<
  | Exclude<keyof HandlerModule | keyof BatchHandlerModule, "retry" | "batch">
  | `retry.${Exclude<keyof Retry, "backoff">}`
  | `retry.backoff.${keyof Backoff}`
  | `batch.${keyof Batch}`,
  true
>

const EVENT = {
  id: true,
  type: true,
  name: true,
  routing_key: true,
  payload: true,
  priority: true,
  metadata: true,
  timestamp: true,
  status: true,
  retry_count: true,
  ordering_key: true,
} satisfies Record<keyof Event, true>

const CONTEXT = {
  queue: true,
  generation: true,
  signal: true,
  log: true,
  heartbeat: true,
  publish: true,
  attempt: true,
  lastError: true,
  trace: true,
  causedBy: true,
  replay: true,
  retry: true,
  deadLetter: true,
} satisfies Record<keyof HandlerContext, true>

const BATCH_CONTEXT = {
  queue: true,
  generation: true,
  signal: true,
  log: true,
  heartbeat: true,
  publish: true,
  lastError: true,
  trace: true,
  causedBy: true,
  replay: true,
  ack: true,
  retry: true,
  deadLetter: true,
} satisfies Record<keyof BatchContext, true>

const ERROR = { name: true, message: true, stack: true } satisfies Record<keyof LastError, true>

const PAGE = readFileSync(join(import.meta.dir, "..", "..", "docs", "handler-context.md"), "utf8")

/** The text of a chapter, up to the next one. */
function chapter(title: string): string {
  const [, text = ""] = PAGE.split(`\n## ${title}\n`)
  return text.split("\n## ")[0] ?? ""
}

test.each([
  ["Module options", OPTIONS],
  ["Event", EVENT],
  ["Context", CONTEXT],
  ["Context", ERROR],
  ["Batch context", BATCH_CONTEXT],
])("the reference, under %s, names the keys of the type", (title, keys) => {
  const text = chapter(title)
  const missing = Object.keys(keys).filter((key) => !new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``).test(text))
  expect(missing).toEqual([])
})
