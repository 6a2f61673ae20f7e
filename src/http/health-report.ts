import { z } from "@hono/zod-openapi"
import type { EngineStatus } from "../engine/engine.ts"
import type { Census } from "../telemetry/state-metrics.ts"

const CheckSchema = z
  .object({
    status: z.enum(["up", "degraded", "down"]),
    detail: z.string().optional().openapi({ description: "Why it is not up, or what it counts." }),
  })
  .openapi("HealthCheck")

/** The body of `/health` and `/health/ready`. */
export const HealthReportSchema = z
  .object({
    status: z.enum(["ready", "degraded", "starting", "unavailable", "stopping"]).openapi({
      description:
        "`ready`: it takes events and handles them. `degraded`: it takes them, and handles less than it should. " +
        "With both the answer is 200, with the others 503.",
    }),
    version: z.string(),
    engine: z.string(),
    uptime_seconds: z.number(),
    checks: z.object({ engine: CheckSchema, pool: CheckSchema, consumers: CheckSchema, queues: CheckSchema }),
  })
  .openapi("HealthReport")

export type HealthReport = z.infer<typeof HealthReportSchema>

export const EXAMPLE_REPORT: HealthReport = {
  status: "ready",
  version: "0.1.0",
  engine: "embedded",
  uptime_seconds: 61.5,
  checks: {
    engine: { status: "up" },
    pool: { status: "up", detail: "5 of 5 workers" },
    consumers: { status: "up", detail: "1 of 1 queues with a handler module" },
    queues: { status: "up" },
  },
}

type Check = z.infer<typeof CheckSchema>

/** What the service knows of itself, without asking anybody. */
export interface Vitals {
  readonly phase: "starting" | "running" | "stopping"
  readonly version: string
  readonly uptimeMs: number
  readonly engine: string
  readonly engineStatus: EngineStatus
  /** Workers that take jobs. */
  readonly workers: Census
  /** Queues that are consumed, of those that have a handler module and are not paused. */
  readonly consumers: Census
  /** Which queues take events that nothing consumes, or refuse them; null if there are none. */
  readonly queueFault: string | null
}

/** Says how the service is: it takes no events without its engine, and handles none without a worker. */
export function reportHealth(vitals: Vitals): HealthReport {
  const { phase, version, engine, uptimeMs, workers, consumers } = vitals
  const checks = {
    engine: checkEngine(vitals.engineStatus),
    pool: checkCensus(workers, "workers"),
    consumers: checkCensus(consumers, "queues with a handler module"),
    queues: checkQueues(vitals.queueFault),
  }
  return {
    status: phase === "running" ? summarize(vitals.engineStatus, checks) : phase,
    version,
    engine,
    uptime_seconds: Math.round(uptimeMs) / 1_000,
    checks,
  }
}

/** A consumer that is away is no reason to send its traffic elsewhere: what is published waits in the queue. */
function summarize(
  { state }: EngineStatus,
  { engine, pool, consumers, queues }: HealthReport["checks"],
): HealthReport["status"] {
  // A blocked engine takes no events, though it goes on delivering: traffic is better sent elsewhere.
  if (state !== "ready" || pool.status === "down") return "unavailable"
  return [engine, pool, consumers, queues].every(({ status }) => status === "up") ? "ready" : "degraded"
}

function checkEngine(status: EngineStatus): Check {
  if (status.state === "ready") {
    return status.warning === undefined ? { status: "up" } : { status: "degraded", detail: status.warning }
  }
  const detail = "reason" in status ? status.reason : status.state
  return { status: status.state === "blocked" ? "degraded" : "down", detail }
}

/** Traffic is not sent elsewhere because of a queue: the other queues take their events. */
const checkQueues = (fault: string | null): Check =>
  fault === null ? { status: "up" } : { status: "degraded", detail: fault }

function checkCensus({ present, expected }: Census, what: string): Check {
  const detail = `${present} of ${expected} ${what}`
  if (present >= expected) return { status: "up", detail }
  return { status: present === 0 ? "down" : "degraded", detail }
}
