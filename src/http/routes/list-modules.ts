import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import {
  EXAMPLE_MODULES,
  EXAMPLE_WORKER,
  RunningModulesSchema,
  type RunningModulesView,
  withoutCode,
} from "../module-set-view.ts"
import type { Route } from "../route.ts"

const EXAMPLE: RunningModulesView = {
  ...EXAMPLE_MODULES,
  workers: [EXAMPLE_WORKER],
  worker_memory_limit_bytes: 536_870_912,
}

export const listModules = ({ modules }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/modules",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listModules",
    summary: "List the handler modules and the workers",
    description:
      "Shows the modules that this instance uses, why a later version of their files was rejected, and each worker with " +
      "its memory and CPU. All workers that take jobs use the same generation.",
    tags: ["Modules"],
    responses: { 200: jsonResponse("The handler modules and the workers", RunningModulesSchema, EXAMPLE) },
  },
  async handler({ requestId, key }) {
    const view = modules.view()
    const mayReadCode = key === null || key.scopes.includes("admin")
    return jsonAnswer<RunningModulesView>(requestId, {
      ...(mayReadCode ? view : withoutCode(view)),
      workers: [...(await modules.workers())],
      worker_memory_limit_bytes: modules.memoryLimitBytes,
    })
  },
})
