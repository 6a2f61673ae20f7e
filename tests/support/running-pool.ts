import { writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import type { Event } from "../../src/event/envelope.ts"
import { handlerEnvironment } from "../../src/handlers/handler-environment.ts"
import type { ModuleManifest } from "../../src/handlers/manifest.ts"
import { findModuleFiles } from "../../src/handlers/module-files.ts"
import { buildModuleSet } from "../../src/handlers/module-set.ts"
import { Metrics } from "../../src/telemetry/metrics.ts"
import { PASSING_THROUGH } from "../../src/telemetry/tracing.ts"
import type { Outcome } from "../../src/workers/attempt.ts"
import { Pool } from "../../src/workers/pool.ts"
import { RunningEvents } from "../../src/workers/running-events.ts"
import { BUNDLING } from "./bundling.ts"
import { type AttemptOverrides, newAttempt } from "./job-request.ts"
import { newEvent } from "./new-event.ts"
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts"
import { waitUntil } from "./wait-until.ts"

const WORKER_URL = new URL("../../src/workers/inside/worker.ts", import.meta.url).href

export interface RunningPoolOptions {
  readonly size?: number
  readonly prefetch?: number
  /** Worker entry file. Default: the service's. */
  readonly workerUrl?: string
  /** Heap of a worker above which it is replaced, in bytes. Default: none is. */
  readonly memoryLimitBytes?: number
  readonly publish?: (draft: unknown) => Promise<Event>
}

/** A line of the log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>

/** A pool with real workers and a single module. */
export class RunningPool implements AsyncDisposable {
  readonly pool: Pool
  readonly folder: string
  /** Published events, in order. */
  readonly published: unknown[] = []
  readonly log: LogLine[] = []
  readonly metrics = new Metrics()
  readonly running = new RunningEvents()
  readonly #folder: TemporaryFolder
  #manifest: ModuleManifest | undefined

  private constructor(folder: TemporaryFolder, options: RunningPoolOptions) {
    this.#folder = folder
    this.folder = folder.path
    const logger = pino({ level: "debug" }, { write: (line) => this.log.push(JSON.parse(line)) })
    this.pool = new Pool({
      size: options.size ?? 1,
      prefetch: options.prefetch ?? 10,
      workerUrl: options.workerUrl ?? WORKER_URL,
      environment: handlerEnvironment(process.env),
      memoryLimitBytes: options.memoryLimitBytes ?? 0,
      publish: async (draft) => {
        this.published.push(draft)
        return options.publish?.(draft) ?? newEvent({ id: "published" })
      },
      maxPublishBytes: 1_048_576,
      observers: { metrics: this.metrics, tracing: PASSING_THROUGH, running: this.running },
      onReplaced: (cause) => this.metrics.workerReplaced(cause),
      logger,
    })
  }

  /** Starts a pool with a module of these functions, as source text, which can use the constant `folder`. */
  static async start(functions: string, options: RunningPoolOptions = {}): Promise<RunningPool> {
    const folder = temporaryFolder()
    writeFileSync(
      join(folder.path, "tested.ts"),
      `import { existsSync, appendFileSync } from "node:fs"
const folder = ${JSON.stringify(folder.path)}
/** Tells the test that it got this far. */
const mark = (name: string, text = "x") => appendFileSync(folder + "/" + name, text)
const has = (name: string) => existsSync(folder + "/" + name)
/** Waits, without keeping others from running, until the test or another handler has made a mark. */
const until = async (name: string) => { while (!has(name)) await Bun.sleep(2) }
export default { queue: "custom_events", on: {${functions}} }
`,
    )
    const running = new RunningPool(folder, options)
    const set = await buildModuleSet(await findModuleFiles(folder.path), BUNDLING)
    const { loaded } = await running.pool.start(set)
    const [manifest] = await loaded
    running.#manifest = manifest
    return running
  }

  /** Runs the function with this name. */
  run(
    handler: string,
    { timeoutMs, ...overrides }: AttemptOverrides & { readonly timeoutMs?: number } = {},
  ): Promise<Outcome> {
    if (this.#manifest === undefined) throw new Error("unreachable: the pool has started")
    const manifest = { ...this.#manifest, ...(timeoutMs !== undefined && { timeoutMs }) }
    return this.pool.run(newAttempt({ handler, manifest, generation: this.pool.generation, ...overrides }))
  }

  /** Returns the handlers' marks with this name. */
  async marked(name: string): Promise<string> {
    const file = Bun.file(join(this.folder, name))
    return (await file.exists()) ? file.text() : ""
  }

  mark(name: string): void {
    writeFileSync(join(this.folder, name), "x")
  }

  /** Waits until a handler has made the mark. */
  async reached(name: string): Promise<void> {
    await waitUntil(async () => (await this.marked(name)) !== "", `the mark ${name} of a handler`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.stop(0)
    this.#folder[Symbol.dispose]()
  }
}
