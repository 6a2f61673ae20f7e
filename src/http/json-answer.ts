import { JSON_TYPE } from "./media-type.ts"
import { PreparedHeaders } from "./response-headers.ts"

const HEADERS = new PreparedHeaders(JSON_TYPE)

/** Answers with a value as JSON. `Body` is the type of the schema that describes the answer. */
export const jsonAnswer = <Body>(requestId: string, body: Body, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: HEADERS.for(requestId) })
