import { z } from "@hono/zod-openapi"
import { askedBy } from "../audit.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_MODULES, ModuleSetSchema } from "../module-set-view.ts"
import { ProblemError } from "../problem.ts"
import type { Route } from "../route.ts"

const ReloadedSchema = ModuleSetSchema.extend({
  is_changed: z.boolean().openapi({ description: "False if the files are those that were in use already." }),
}).openapi("ReloadedModules")

const REJECTED = "The handler modules can't be used as their files are now, so those before stay in use."

const UNCHECKED =
  "The engine can't be asked about the queues of the handler modules, so those before stay in use"

export const reloadModules = ({ modules, logger }: HttpContext): Route => ({
  method: "POST",
  path: "/api/v1/modules/reload",
  scope: "admin",
  eventTypes: "unlimited-only",
  mayTakeLong: true,
  description: {
    operationId: "reloadModules",
    summary: "Reload the handler modules",
    description:
      "Takes the modules of this instance into use as their files are now. Functions that run end with the code that they " +
      "began with; events whose function has not begun are handled with the new one. If a module can't be used, " +
      "nothing changes, and the answer says which, where and why. Nothing changes either while the engine is away, because it " +
      "can't be asked about their queues (503): repeat the request.",
    tags: ["Modules"],
    responses: {
      200: jsonResponse("The handler modules that are in use now", ReloadedSchema, {
        ...EXAMPLE_MODULES,
        is_changed: true,
      }),
      ...problemResponses("modules-rejected", "engine-unavailable"),
    },
  },
  async handler(request) {
    const { requestId } = request
    logger.info(askedBy(request), "reload of the handler modules asked for")
    const result = await modules.reload()
    if (result.kind === "stopped") throw new ProblemError("engine-unavailable", "The service is stopping.")
    if (result.kind === "unavailable")
      throw new ProblemError("engine-unavailable", `${UNCHECKED}: ${result.reason}.`)
    if (result.kind === "rejected")
      throw new ProblemError("modules-rejected", REJECTED, { errors: result.faults })
    return jsonAnswer<z.infer<typeof ReloadedSchema>>(requestId, {
      ...modules.view(),
      is_changed: result.kind === "loaded",
    })
  },
})
