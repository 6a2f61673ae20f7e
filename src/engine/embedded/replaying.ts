import { orderLevel } from "../../event/priority.ts"
import type { Engine } from "../engine.ts"
import { UnknownQueueError } from "../errors.ts"
import type { Operate } from "./commit/turn.ts"
import type { TurnWriter } from "./commit/turn-writer.ts"
import { encodeOrigin } from "./store/origin-text.ts"
import type { Tables } from "./store/tables.ts"

/** Returns the function that stores past events on a queue again. */
export function replaying(
  { catalog, facts }: Pick<Tables, "catalog" | "facts">,
  writer: TurnWriter,
  operate: Operate,
): Engine["replay"] {
  return async (name, { event, body, replay }) => {
    const queue = catalog.get(name)
    const stored = { body, trace: encodeOrigin({ replay }), layout: null }
    const refusal = await operate(
      (now) => {
        if (queue.isDeleted) return new UnknownQueueError(name, [])
        const refused = writer.append({ stored, priority: orderLevel(event) }, [queue], now)
        if (refused === null)
          facts?.note({ fact: "replayed", at: Date.now(), id: event.id, queue: name, replay })
        return refused
      },
      { room: true },
    )
    if (refusal !== null) throw refusal
  }
}
