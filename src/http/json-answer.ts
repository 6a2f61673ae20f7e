import { JSON_TYPE } from "./media-type.ts"
import { PreparedHeaders } from "./response-headers.ts"

const HEADERS = new PreparedHeaders(JSON_TYPE)

/** Returns a JSON response. `Body` is the type of the schema that describes it. */
export const jsonAnswer = <Body>(requestId: string, body: Body, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: HEADERS.for(requestId) })
