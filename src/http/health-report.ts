import { z } from "@hono/zod-openapi"

const CheckSchema = z
  .object({
    status: z.enum(["up", "down"]),
    detail: z.string().optional().openapi({ description: "Why it is down, or what it counts." }),
  })
  .openapi("HealthCheck")

/** What `/health` and `/health/ready` tell. */
export const HealthReportSchema = z
  .object({
    status: z.enum(["ready", "starting", "unavailable", "stopping"]),
    version: z.string(),
    engine: z.string(),
    uptime_seconds: z.number(),
    checks: z.object({ engine: CheckSchema, pool: CheckSchema }),
  })
  .openapi("HealthReport")

export type HealthReport = z.infer<typeof HealthReportSchema>
