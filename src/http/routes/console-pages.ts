import { z } from "@hono/zod-openapi"
import { CONSOLE_POLICY, loadConsole } from "../../console/console-page.ts"
import type { ConsoleSettings, HttpContext } from "../context.ts"
import { problemResponses } from "../description/responses.ts"
import { ProblemError } from "../problem.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"

/** A client that takes gzip. Source: RFC 9110, section 12.5.3: a weight of 0 refuses it. */
const TAKES_GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i

/** The name of a file has a hash of its content. */
const FOR_EVER = "public, max-age=31536000, immutable"

/** The console and its files. They show nothing without the API, which asks for a key. */
export const consolePages = ({ console }: HttpContext): readonly Route[] => [
  consolePage(console),
  consoleFile(console),
]

const consolePage = ({ mode }: ConsoleSettings): Route => ({
  method: "GET",
  path: "/console",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: "getConsolePage",
    summary: "Open the console",
    description:
      "An HTML page that shows and steers the service with this API. It loads nothing from other hosts.",
    tags: ["Service"],
    responses: {
      200: { description: "A page", content: { "text/html": { schema: z.string() } } },
      ...problemResponses("not-found"),
    },
  },
  async handler({ requestId }) {
    requireConsole(mode)
    const { html } = await loadConsole()
    return new Response(html, {
      headers: {
        ...responseHeaders(requestId, "text/html; charset=utf-8"),
        "Content-Security-Policy": CONSOLE_POLICY,
        "Referrer-Policy": "no-referrer",
      },
    })
  },
})

const consoleFile = ({ mode }: ConsoleSettings): Route => ({
  method: "GET",
  path: "/console/{file}",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: "getConsoleFile",
    summary: "Get a file that /console loads",
    description: "A script or a style sheet. Its name changes with its content.",
    tags: ["Service"],
    request: { params: z.object({ file: z.string().openapi({ example: "console-0b6b6b00.css" }) }) },
    responses: {
      200: {
        description: "A file",
        content: { "text/javascript": { schema: z.string() }, "text/css": { schema: z.string() } },
      },
      ...problemResponses("not-found"),
    },
  },
  async handler({ params, headers, requestId }) {
    requireConsole(mode)
    const name = params.get("file")
    const file = (await loadConsole()).files.get(name)
    if (file === undefined) throw new ProblemError("not-found", `There is no ${name} at /console.`)
    const isCompressed = TAKES_GZIP.test(headers.get("accept-encoding") ?? "")
    return new Response(isCompressed ? file.gzip : file.text, {
      headers: {
        ...responseHeaders(requestId, file.contentType),
        "Cache-Control": FOR_EVER,
        Vary: "Accept-Encoding",
        ...(isCompressed && { "Content-Encoding": "gzip" }),
      },
    })
  },
})

/** @throws {ProblemError} `not-found` if the console is turned off. */
function requireConsole(mode: ConsoleSettings["mode"]): void {
  if (mode === "off") throw new ProblemError("not-found", "The service has no console: CONSOLE is off.")
}
