import type { BatchContext, BatchHandler, Event } from "../../handlers/handler-module.ts"
import { parseJson } from "../../system/intrinsics.ts"
import type { HandlerOutcome, ToWorker } from "../messages.ts"
import { reasonText } from "./reason-text.ts"
import { requestedDelay } from "./requested-delay.ts"
import { failed, type OwnPart, type RunScope } from "./run-scope.ts"

type BatchMessage = Extract<ToWorker, { kind: "run-batch" }>

/**
 * Calls a function for several events. Resolves with the outcome of those that it did not settle. Rejects only if the
 * worker's own code fails.
 * @param onNonsense called with what the function returned, if that is not nothing
 */
export async function runBatch(
  scope: RunScope,
  { events }: BatchMessage,
  handler: BatchHandler,
  onNonsense: (returned: unknown) => void,
): Promise<HandlerOutcome> {
  const settling = new Set<Promise<void>>()
  const unsettled = new Map<string, number[]>()
  const before = new Map<string, BatchMessage["events"][number]>()
  /** The first call for an event counts. An id can be there twice, because an event can come twice. */
  const settle = (call: string, id: string, outcome: HandlerOutcome): void => {
    if (typeof id !== "string")
      throw new TypeError("ctx.ack, ctx.retry and ctx.deadLetter take the id of an event")
    if (scope.isTooLate(call, { event_id: id })) return
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
    causedBy: (id) => before.get(id)?.causedBy ?? null,
    replay: (id) => before.get(id)?.replay ?? null,
    ack: (id) => settle("ctx.ack()", id, { kind: "done" }),
    retry: (id, options) => settle("ctx.retry()", id, { kind: "retry", delayMs: requestedDelay(options) }),
    deadLetter: (id, reason) =>
      settle("ctx.deadLetter()", id, { kind: "dead-letter", reason: reasonText(reason) }),
  })
  const given = events.map((each): Event => {
    const { place, body, attempt } = each
    const event: Event = parseJson(body)
    unsettled.set(event.id, [...(unsettled.get(event.id) ?? []), place])
    before.set(event.id, each)
    return { ...event, retry_count: attempt - 1 }
  })
  const outcome = await call(scope, () => handler(given, context), onNonsense)
  for (const settled of settling) await settled
  return outcome
}

async function call(
  scope: RunScope,
  run: () => unknown,
  onNonsense: (returned: unknown) => void,
): Promise<HandlerOutcome> {
  let result: unknown
  try {
    result = await run()
  } catch (error) {
    scope.end()
    return failed(error)
  }
  const refusal = await scope.published()
  if (refusal !== null) return failed(refusal.error)
  if (result !== undefined && result !== null) onNonsense(result)
  return { kind: "done" }
}
