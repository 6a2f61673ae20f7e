import type { Event, Handler, HandlerContext, Verdict } from "../../handlers/handler-module.ts"
import { verdict } from "../../handlers/handler-module.ts"
import type { HandlerOutcome, ToWorker } from "../messages.ts"
import { reasonText } from "./reason-text.ts"
import { requestedDelay } from "./requested-delay.ts"
import { failed, type OwnPart, type RunScope } from "./run-scope.ts"

type RunMessage = Extract<ToWorker, { kind: "run" }>

/** A verdict that a handler returned. The class distinguishes it from any other value. */
class GivenVerdict implements Verdict {
  readonly [verdict] = true
  readonly outcome: HandlerOutcome

  constructor(outcome: HandlerOutcome) {
    this.outcome = outcome
  }
}

/** Calls a function for one event. Resolves with its outcome; never rejects. */
export async function runEvent(
  scope: RunScope,
  { body, attempt, lastError, trace }: RunMessage,
  handler: Handler,
): Promise<HandlerOutcome> {
  const calls: string[] = []
  const give = (call: string, outcome: HandlerOutcome): GivenVerdict => {
    if (!calls.includes(call)) calls.push(call)
    return new GivenVerdict(outcome)
  }
  const context: HandlerContext = scope.context<OwnPart<HandlerContext>>({
    attempt,
    lastError,
    trace,
    retry: (options) => give("ctx.retry()", { kind: "retry", delayMs: requestedDelay(options) }),
    deadLetter: (reason) => give("ctx.deadLetter()", { kind: "dead-letter", reason: reasonText(reason) }),
  })
  try {
    const event: Event = JSON.parse(body)
    const result = await handler({ ...event, retry_count: attempt - 1 }, context)
    // Follow-up events are stored before their event is acknowledged, awaited or not.
    await scope.published()
    if (result instanceof GivenVerdict) return result.outcome
    for (const call of calls)
      scope.warn(`${call} was called, but its result was not returned: the event counts as handled`)
    return { kind: "done" }
  } catch (error) {
    scope.end()
    return failed(error)
  }
}
