import type { Event, Handler, HandlerContext, Verdict } from "../../handlers/handler-module.ts"
import { verdict } from "../../handlers/handler-module.ts"
import { parseJson } from "../../system/intrinsics.ts"
import type { HandlerOutcome, ToWorker } from "../messages.ts"
import { reasonText } from "./reason-text.ts"
import { requestedDelay } from "./requested-delay.ts"
import { failed, type OwnPart, type RunScope } from "./run-scope.ts"

type RunMessage = Extract<ToWorker, { kind: "run" }>

const FOREIGN_VERDICT =
  "the function returned the verdict of another event's context: return that of its own ctx.retry() or ctx.deadLetter()"

/** A verdict that a handler returned. The class distinguishes it from any other value. */
class GivenVerdict implements Verdict {
  readonly [verdict] = true
  readonly outcome: HandlerOutcome
  /** The call whose context made it. */
  readonly scope: RunScope

  constructor(outcome: HandlerOutcome, scope: RunScope) {
    this.outcome = outcome
    this.scope = scope
  }
}

/**
 * Calls a function for one event. Resolves with its outcome. Rejects only if the worker's own code fails.
 * @param onNonsense called with what the function returned, if that is neither nothing nor a verdict
 */
export async function runEvent(
  scope: RunScope,
  { body, attempt, lastError, trace, causedBy, replay }: RunMessage,
  handler: Handler,
  onNonsense: (returned: unknown) => void,
): Promise<HandlerOutcome> {
  const calls: { retry: boolean; deadLetter: boolean } = { retry: false, deadLetter: false }
  const give = (call: keyof typeof calls, outcome: HandlerOutcome): GivenVerdict => {
    if (!scope.isTooLate(`ctx.${call}()`)) calls[call] = true
    return new GivenVerdict(outcome, scope)
  }
  const context: HandlerContext = scope.context<OwnPart<HandlerContext>>({
    attempt,
    lastError,
    trace,
    causedBy,
    replay,
    retry: (options) => give("retry", { kind: "retry", delayMs: requestedDelay(options) }),
    deadLetter: (reason) => give("deadLetter", { kind: "dead-letter", reason: reasonText(reason) }),
  })
  const event: Event = parseJson(body)
  scope.isFor(event.id)
  let result: unknown
  try {
    result = await handler({ ...event, retry_count: attempt - 1 }, context)
  } catch (error) {
    scope.end()
    return failed(error)
  }
  // Follow-up events are stored before their event is acknowledged, awaited or not.
  const refusal = await scope.published()
  if (refusal !== null) return failed(refusal.error)
  if (result instanceof GivenVerdict) {
    return result.scope === scope ? result.outcome : failed(new TypeError(FOREIGN_VERDICT))
  }
  if (calls.retry) warnOfUnreturned(scope, "ctx.retry()")
  if (calls.deadLetter) warnOfUnreturned(scope, "ctx.deadLetter()")
  if (result !== undefined && result !== null) onNonsense(result)
  return { kind: "done" }
}

const warnOfUnreturned = (scope: RunScope, call: string): void =>
  scope.warn(`${call} was called, but its result was not returned: the event counts as handled`)
