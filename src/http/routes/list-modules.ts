import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import { EXAMPLE_MODULES, ModuleSetSchema, type ModuleSetView, withoutCode } from "../module-set-view.ts"
import type { Route } from "../route.ts"

export const listModules = ({ modules }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/modules",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listModules",
    summary: "List the handler modules",
    description:
      "Shows the modules that this instance uses, and why a later version of their files was rejected. All workers use " +
      "the same generation.",
    tags: ["Modules"],
    responses: { 200: jsonResponse("The handler modules", ModuleSetSchema, EXAMPLE_MODULES) },
  },
  handler({ requestId, key }) {
    const view = modules.view()
    const mayReadCode = key === null || key.scopes.includes("admin")
    return jsonAnswer<ModuleSetView>(requestId, mayReadCode ? view : withoutCode(view))
  },
})
