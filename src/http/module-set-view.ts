import { z } from "@hono/zod-openapi"

const ModuleSchema = z
  .object({
    file: z.string().openapi({ description: "The file's name within `HANDLERS_DIR`." }),
    queue: z.string(),
    bind: z.array(z.string()).openapi({ description: "Topic patterns that the module binds its queue to." }),
    functions: z
      .array(z.string())
      .openapi({ description: "Names of the events that it handles; `*` stands for all others." }),
    attempts: z.number().int(),
    timeout_ms: z.number(),
    concurrency: z.number().int().nullable().openapi({
      description: "Most calls at a time on this instance; null if there is no limit.",
    }),
    batch_size: z.number().int().nullable().openapi({
      description: "Most events of one call; null if each call takes one event.",
    }),
  })
  .openapi("HandlerModule")

/** A fault because of which the modules were not taken into use. */
export const ModuleFaultSchema = z
  .object({
    module: z
      .string()
      .nullable()
      .openapi({ description: "The module's file; null if no module is to blame." }),
    message: z.string(),
    file: z
      .string()
      .nullable()
      .openapi({ description: "The file with the fault; null, as the place, if it is not known." }),
    line: z.number().int().nullable(),
    column: z.number().int().nullable(),
    frame: z.array(z.string()).openapi({ description: "The lines around the place, and a mark below it." }),
  })
  .openapi("ModuleFault")

/** The handler modules in use, as `GET /api/v1/modules` shows them. */
export const ModuleSetSchema = z
  .object({
    generation: z
      .string()
      .openapi({ description: "Names the module set: a hash of all code that the workers have loaded." }),
    since: z.number().openapi({ description: "When it was taken into use, in seconds since the epoch." }),
    modules: z.array(ModuleSchema),
    rejected: z
      .object({ at: z.number(), faults: z.array(ModuleFaultSchema) })
      .nullable()
      .openapi({
        description:
          "Why the files as they were at the last reload can't be used; null if the last reload succeeded.",
      }),
  })
  .openapi("HandlerModules")

const WorkerSchema = z
  .object({
    place: z.number().int().nullable().openapi({
      description: "Number of its place in the pool, from 1; null for a worker whose place another one has.",
    }),
    state: z.enum(["starting", "ready", "waiting", "finishing"]).openapi({
      description:
        "`waiting`: it is started again after a while, because workers in this place ended soon after their start. " +
        "`finishing`: it gets no more jobs, and ends after those that it has.",
    }),
    generation: z.string().nullable().openapi({ description: "The module set that it has loaded." }),
    jobs: z.number().int().openapi({ description: "Events, or batches of events, that it has now." }),
    memory_bytes: z.number().int().nullable().openapi({
      description:
        "Size of its heap at the last collection, with buffers; null if it is not known. `WORKER_MEMORY` bounds it.",
    }),
    cpu_share: z.number().nullable().openapi({
      description: "CPU time as a share of one core: 1 is a whole core. Null if it is not known.",
    }),
    cpu_seconds: z
      .number()
      .nullable()
      .openapi({
        description:
          "Length of the time that `cpu_share` is measured over: since the request before, at least 2 seconds, or since its " +
          "start.",
      }),
    is_responding: z.boolean().openapi({
      description:
        "False if it has not answered for a second: a function of it does not yield. Memory and CPU are those before.",
    }),
    ready_seconds: z.number().openapi({ description: "How long it has been ready." }),
    replaced: z
      .number()
      .int()
      .openapi({
        description:
          "How often a worker in this place was replaced, because it crashed, was stuck or used too much memory, since the " +
          "modules were loaded.",
      }),
  })
  .openapi("Worker")

/** The handler modules and the workers that run them. */
export const RunningModulesSchema = ModuleSetSchema.extend({
  workers: z.array(WorkerSchema),
  worker_memory_limit_bytes: z.number().int().nullable().openapi({
    description: "Heap above which a worker is replaced (`WORKER_MEMORY`); null if there is no limit.",
  }),
}).openapi("RunningModules")

export type WorkerView = z.infer<typeof WorkerSchema>
export type RunningModulesView = z.infer<typeof RunningModulesSchema>
export type ModuleSetView = z.infer<typeof ModuleSetSchema>
export type ModuleFaultView = z.infer<typeof ModuleFaultSchema>

/** Leaves out the lines of the modules: a key that only reads shows what the service does, not its code. */
export const withoutCode = (view: ModuleSetView): ModuleSetView => ({
  ...view,
  rejected: view.rejected && {
    ...view.rejected,
    faults: view.rejected.faults.map((fault) => ({ ...fault, frame: [] })),
  },
})

/** The result of a reload. */
export type ReloadResult =
  | { readonly kind: "loaded" | "unchanged" | "stopped" }
  /** The engine can't say now whether it takes the queues of the modules. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "rejected"; readonly faults: readonly ModuleFaultView[] }

/** The handler modules of this instance. */
export interface Modules {
  view(): ModuleSetView
  /** Returns each worker as it is now. */
  workers(): Promise<readonly WorkerView[]>
  /** Heap above which a worker is replaced, in bytes; null if there is no limit. */
  readonly memoryLimitBytes: number | null
  /** Takes the modules into use as their files are now. Never rejects. */
  reload(): Promise<ReloadResult>
}

export const EXAMPLE_FAULT: ModuleFaultView = {
  module: "voice.ts",
  message: 'syntax error: Expected "}" but found "on"',
  file: "handlers/voice.ts",
  line: 3,
  column: 3,
  frame: ['  2 |   queue: "voice_events"', "> 3 |   on: {", "    |   ^"],
}

export const EXAMPLE_MODULES: ModuleSetView = {
  generation: "5f0a91c3",
  since: 1_795_766_400.25,
  modules: [
    {
      file: "voice.ts",
      queue: "voice_events",
      bind: [],
      functions: ["speech_recognized"],
      attempts: 5,
      timeout_ms: 30_000,
      concurrency: null,
      batch_size: null,
    },
  ],
  rejected: null,
}

export const EXAMPLE_WORKER: WorkerView = {
  place: 1,
  state: "ready",
  generation: "5f0a91c3",
  jobs: 2,
  memory_bytes: 12_582_912,
  cpu_share: 0.04,
  cpu_seconds: 5,
  is_responding: true,
  ready_seconds: 3_600,
  replaced: 0,
}
