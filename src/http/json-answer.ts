import { JSON_TYPE } from "./media-type.ts"
import { responseHeaders } from "./response-headers.ts"

/** Answers with a value as JSON. `Body` is the type of the schema that describes the answer. */
export const jsonAnswer = <Body>(requestId: string, body: Body, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: responseHeaders(requestId, JSON_TYPE) })
