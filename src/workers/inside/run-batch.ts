import type { BatchContext, BatchHandler, Event } from "../../handlers/handler-module.ts"
import type { HandlerOutcome, ToWorker } from "../messages.ts"
import { reasonText } from "./reason-text.ts"
import { requestedDelay } from "./requested-delay.ts"
import { failed, type OwnPart, type RunScope } from "./run-scope.ts"

type BatchMessage = Extract<ToWorker, { kind: "run-batch" }>

/** Calls a function for several events. Resolves with the outcome of those that it did not settle; never rejects. */
export async function runBatch(
  scope: RunScope,
  { events }: BatchMessage,
  handler: BatchHandler,
): Promise<HandlerOutcome> {
  const settling = new Set<Promise<void>>()
  const unsettled = new Map<string, number[]>()
  const before = new Map<string, BatchMessage["events"][number]>()
  /** The first call for an event counts. An id can be there twice, because an event can come twice. */
  const settle = (id: string, outcome: HandlerOutcome): void => {
    if (typeof id !== "string")
      throw new TypeError("ctx.ack, ctx.retry and ctx.deadLetter take the id of an event")
    const places = unsettled.get(id) ?? []
    unsettled.delete(id)
    const settled = scope.publishedSoFar().then(
      () => outcome,
      (error: unknown) => failed(error),
    )
    settling.add(
      settled.then((final) => {
        for (const place of places) scope.settleEvent(place, final)
      }),
    )
  }
  const context: BatchContext = scope.context<OwnPart<BatchContext>>({
    lastError: (id) => before.get(id)?.lastError ?? null,
    trace: (id) => before.get(id)?.trace ?? null,
    ack: (id) => settle(id, { kind: "done" }),
    retry: (id, options) => settle(id, { kind: "retry", delayMs: requestedDelay(options) }),
    deadLetter: (id, reason) => settle(id, { kind: "dead-letter", reason: reasonText(reason) }),
  })
  try {
    const given = events.map((each): Event => {
      const { place, body, attempt } = each
      const event: Event = JSON.parse(body)
      unsettled.set(event.id, [...(unsettled.get(event.id) ?? []), place])
      before.set(event.id, each)
      return { ...event, retry_count: attempt - 1 }
    })
    await handler(given, context)
    await scope.published()
    return { kind: "done" }
  } catch (error) {
    scope.end()
    return failed(error)
  } finally {
    await Promise.all(settling)
  }
}
