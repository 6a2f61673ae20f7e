import { z } from "@hono/zod-openapi"
import type { EngineStatus } from "../engine/engine.ts"
import type { HistoryState } from "../history/recorded-history.ts"
import type { Headcount } from "../telemetry/state-metrics.ts"

const CheckSchema = z
  .object({
    status: z.enum(["up", "degraded", "down"]),
    detail: z
      .string()
      .optional()
      .openapi({ description: "Why the part is not up, or the counts that it is based on." }),
  })
  .openapi("HealthCheck")

/** The body of `/health` and `/health/ready`. */
export const HealthReportSchema = z
  .object({
    status: z.enum(["ready", "degraded", "starting", "unavailable", "stopping"]).openapi({
      description:
        "`ready`: the service accepts and handles events. `degraded`: it accepts events, but a part does not work: see `checks`. " +
        "Both are answered with 200, all others with 503.",
    }),
    version: z.string(),
    engine: z.string(),
    uptime_seconds: z.number(),
    generation: z.string().openapi({ description: "Names the handler modules in use." }),
    checks: z.object({
      engine: CheckSchema,
      pool: CheckSchema,
      consumers: CheckSchema,
      queues: CheckSchema,
      modules: CheckSchema,
      history: CheckSchema.optional(),
    }),
  })
  .openapi("HealthReport")

export type HealthReport = z.infer<typeof HealthReportSchema>

export const EXAMPLE_REPORT: HealthReport = {
  status: "ready",
  version: "0.1.0",
  engine: "embedded",
  uptime_seconds: 61.5,
  generation: "5f0a91c3",
  checks: {
    engine: { status: "up" },
    pool: { status: "up", detail: "5 of 5 workers" },
    consumers: { status: "up", detail: "1 of 1 queues with a handler module" },
    queues: { status: "up" },
    modules: { status: "up" },
    history: { status: "up" },
  },
}

type Check = z.infer<typeof CheckSchema>

/** The state of the service, known without asking other systems. */
export interface Vitals {
  readonly phase: "starting" | "running" | "stopping"
  readonly version: string
  readonly uptimeMs: number
  readonly engine: string
  readonly engineStatus: EngineStatus
  /** Workers that accept jobs. */
  readonly workers: Headcount
  /** Why workers can't be started, or end again and again; null if they do not. */
  readonly poolFault: string | null
  /** Consumed queues, out of those that have a handler module and are not paused. */
  readonly consumers: Headcount
  /** Names of the queues that are paused on this instance. */
  readonly paused: readonly string[]
  /** Which queues take events that nothing consumes, or refuse them; null if there are none. */
  readonly queueFault: string | null
  /** The generation of the handler modules in use. */
  readonly generation: string
  /** Why a later version of the modules was rejected, one line for each fault; null if none was. */
  readonly moduleFaults: readonly string[] | null
  /** How far the history is; null if none is kept. */
  readonly history: HistoryState | null
}

/**
 * Summarizes the state of the service. Without its engine it accepts no events; without a worker it handles
 * none.
 */
export function reportHealth(vitals: Vitals): HealthReport {
  const { phase, version, engine, uptimeMs, workers, consumers } = vitals
  const checks = {
    engine: checkEngine(vitals.engineStatus),
    pool: checkWorkers(workers, vitals.poolFault),
    consumers: checkConsumers(consumers, vitals.paused),
    queues: checkQueues(vitals.queueFault),
    modules: checkModules(vitals.moduleFaults),
    ...(vitals.history !== null && { history: checkHistory(vitals.history) }),
  }
  return {
    status: phase === "running" ? summarize(vitals.engineStatus, checks) : phase,
    version,
    engine,
    uptime_seconds: Math.round(uptimeMs) / 1_000,
    generation: vitals.generation,
    checks,
  }
}

/** A missing consumer does not make the service unavailable, because its events wait in the queue. */
function summarize({ state }: EngineStatus, checks: HealthReport["checks"]): HealthReport["status"] {
  // A blocked engine accepts no events, although it still delivers: load balancers should send traffic
  // elsewhere.
  if (state !== "ready" || checks.pool.status === "down") return "unavailable"
  return Object.values(checks).every((check) => check === undefined || check.status === "up")
    ? "ready"
    : "degraded"
}

function checkEngine(status: EngineStatus): Check {
  if (status.state === "ready") {
    return status.warning === undefined ? { status: "up" } : { status: "degraded", detail: status.warning }
  }
  const detail = "reason" in status ? status.reason : status.state
  return { status: status.state === "blocked" ? "degraded" : "down", detail }
}

/** A queue fault only degrades the service, because the other queues still accept their events. */
const checkQueues = (fault: string | null): Check =>
  fault === null ? { status: "up" } : { status: "degraded", detail: fault }

/** A history that is read again, after a start or an outage, is only behind. */
function checkHistory({ failure, isCaughtUp, reachedAt, gap }: HistoryState): Check {
  if (failure !== null) return { status: "degraded", detail: failure }
  if (isCaughtUp) return gap === null ? { status: "up" } : { status: "up", detail: gap }
  const until = reachedAt === null ? "" : `: it has what happened until ${new Date(reachedAt).toISOString()}`
  return { status: "up", detail: `it is being read${until}` }
}

/** The modules before stay in use, but the files that somebody changed are not. */
const checkModules = (faults: readonly string[] | null): Check =>
  faults === null
    ? { status: "up" }
    : { status: "degraded", detail: `the last reload was rejected: ${faults.join("; ")}` }

/**
 * A pause is meant, and forgotten easily: the events of its queue wait until somebody resumes it. A paused queue is counted
 * among those with a module, but not as consumed.
 */
function checkConsumers(consumers: Headcount, paused: readonly string[]): Check {
  const status = statusOf(consumers)
  const expected = consumers.expected + paused.length
  const detail = `${consumers.present} of ${expected} queues with a handler module`
  if (paused.length === 0) return { status, detail }
  return {
    status: status === "up" ? "degraded" : status,
    detail: `${detail}; paused on this instance: ${paused.join(", ")}`,
  }
}

/** Workers that end again and again are ready for moments only, so they count as a fault while all of them are ready, too. */
function checkWorkers(workers: Headcount, fault: string | null): Check {
  const status = statusOf(workers)
  const detail = `${workers.present} of ${workers.expected} workers`
  if (fault === null) return { status, detail }
  return { status: status === "up" ? "degraded" : status, detail: `${detail}: ${fault}` }
}

function statusOf({ present, expected }: Headcount): Check["status"] {
  if (present >= expected) return "up"
  return present === 0 ? "down" : "degraded"
}
