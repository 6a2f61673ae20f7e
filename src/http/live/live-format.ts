import type { StoredBody } from "../../engine/engine.ts"
import type { Event } from "../../event/envelope.ts"
import { checkJsonShape } from "../../event/json-text.ts"
import { decodeEvent } from "../../event/validate.ts"
import type { LiveFormat } from "../../live/audience.ts"
import { AS_CLOUD_EVENT } from "../publishing/event-format.ts"

/** Formats of events in the live stream. */
export const LIVE_FORMATS: Readonly<Record<"event" | "cloudevent", LiveFormat>> = {
  event: { name: "event", write: writeEvent },
  cloudevent: {
    name: "cloudevent",
    write(stored) {
      const event = readEvent(stored)
      return event && toMessage(JSON.stringify(AS_CLOUD_EVENT.write(event)))
    },
  },
}

/**
 * An event that this service stored is copied as it is. An event with a line break is written again, because
 * a second line could pass for a separate message.
 */
function writeEvent(stored: StoredBody): string | null {
  if (!stored.isForeign && !stored.body.includes("\n")) return toMessage(stored.body)
  const event = readEvent(stored)
  return event && toMessage(JSON.stringify(event))
}

/**
 * Returns null if the message is not an event.
 * @throws {JsonTextError} if another program's event nests too deep to be serialized again.
 */
function readEvent({ body, isForeign, malformed }: StoredBody): Event | null {
  if (isForeign) checkJsonShape(body, "the event")
  if (malformed !== null) return null
  try {
    return decodeEvent(body)
  } catch {
    return null
  }
}

/** Source: HTML Living Standard, section 9.2, "Server-sent events". */
const toMessage = (json: string): string => `event: event\ndata: ${json}\n\n`
