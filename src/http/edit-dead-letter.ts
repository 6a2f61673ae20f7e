import { z } from "@hono/zod-openapi"
import type { DeadLetter, DeadLetterSelection, EditedEvent } from "../engine/dead-letter.ts"
import type { Event } from "../event/envelope.ts"
import { summarizeError } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { decodeEvent } from "../event/validate.ts"
import { HistoryUnavailableError } from "../history/errors.ts"
import { Fingerprint } from "../publisher/deduplication.ts"
import type { HttpContext } from "./context.ts"
import { filterOf } from "./dead-letter-selection.ts"
import { ProblemError } from "./problem.ts"

const jsonObject = z.record(z.string(), z.unknown(), "must be a JSON object")

/** The change of a dead letter. */
export const EditSchema = z
  .strictObject(
    {
      id: z
        .string("must be a string")
        .min(1, "must have at least 1 character")
        .openapi({ description: "Id of the dead letter's event." }),
      last_failed_at: z.number("must be a number of seconds since the epoch").optional().openapi({
        description:
          "When the dead letter failed last, as the list of dead letters shows it. Default: the oldest dead letter with the id.",
      }),
      payload: jsonObject.openapi({ description: "The event's new payload." }),
      metadata: jsonObject
        .optional()
        .openapi({ description: "The event's new metadata. Default: stays as it is." }),
    },
    "must be a JSON object",
  )
  .openapi("DeadLetterEdit", { description: "Names a dead letter, and what replaces its payload." })

type Edit = z.infer<typeof EditSchema>

type Parts = Pick<HttpContext, "engine" | "history" | "publisher">

/**
 * Moves a dead letter back to its queue with another payload.
 * @returns false if an earlier request has done that already
 * @throws {ProblemError} `not-found` if there is no such dead letter, `validation-failed` if it can't be edited, `queue-full`
 * @throws {EventInvalidError} if the payload does not keep to its schema
 */
export async function redriveEdited(
  parts: Parts,
  queue: string,
  edit: Edit,
  reach: RoutingSpace | null,
): Promise<boolean> {
  const { engine, publisher } = parts
  const fingerprint = fingerprintOf(edit)
  const selection = selectionOf(edit, reach)
  const letter = await find(parts, queue, selection)
  const failedAt = letter?.failure.lastFailedAt ?? msOf(edit)
  if (failedAt !== undefined && (await isDone(parts, queue, edit.id, { failedAt, fingerprint }, reach))) {
    // The service ended after the event was stored, and before it left the dead letters.
    if (letter !== null) await engine.purgeDeadLetters(queue, { ...selection, ...failedLast(failedAt) })
    return false
  }
  if (letter === null) throw missing(queue, edit.id)
  const edited = { event: editedEvent(letter, edit), failedAt: letter.failure.lastFailedAt, fingerprint }
  publisher.checkEdited(edited.event)
  const { redriven } = await engine.redrive(
    queue,
    { ...selection, ...failedLast(edited.failedAt) },
    { edited },
  )
  if (redriven > 0) return true
  if ((await find(parts, queue, selection)) === null) throw missing(queue, edit.id)
  throw new ProblemError("queue-full", `The queue ${queue} is full, and the dead letter stays as it is.`)
}

const selectionOf = (edit: Edit, reach: RoutingSpace | null): DeadLetterSelection => {
  const failedAt = msOf(edit)
  const filter = { ids: [edit.id], ...(failedAt !== undefined && failedLast(failedAt)) }
  return { ...filterOf(filter, reach), limit: 1 }
}

/** Selects the dead letters that failed last at this time: one among those of an id. */
const failedLast = (ms: number) => ({ since: ms, until: ms + 1 })

/** Times are whole milliseconds; in seconds, they are rounded. */
const msOf = ({ last_failed_at: seconds }: Edit): number | undefined =>
  seconds === undefined ? undefined : Math.round(seconds * 1_000)

async function find({ engine }: Parts, queue: string, selection: DeadLetterSelection) {
  let cursor: string | undefined
  do {
    const page = await engine.deadLetters(queue, selection, cursor)
    const [letter] = page.letters
    if (letter !== undefined) return letter
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
  return null
}

function editedEvent({ body, failure }: DeadLetter, { payload, metadata }: Edit): Event {
  if (failure.reason === "corrupt") {
    const advice = "the disk changed this event, so nothing of it can be trusted: publish a new one"
    throw new ProblemError("validation-failed", `The dead letter can't be edited: ${advice}.`)
  }
  try {
    const event = decodeEvent(body)
    return { ...event, payload, metadata: metadata ?? event.metadata, retry_count: 0 }
  } catch (error) {
    const { message } = summarizeError(error)
    throw new ProblemError("validation-failed", `The dead letter can't be edited: ${message}.`)
  }
}

/** Returns whether the history has this very edit of this very dead letter. */
async function isDone(
  { history }: Parts,
  queue: string,
  id: string,
  asked: Pick<EditedEvent, "failedAt" | "fingerprint">,
  reach: RoutingSpace | null,
): Promise<boolean> {
  const event = await history?.lookup(id, reach).catch((error: unknown) => {
    // Then a repetition is recognized only by the dead letter, which is gone.
    if (error instanceof HistoryUnavailableError) return null
    throw error
  })
  const timeline = event?.queues.find((delivery) => delivery.queue === queue)?.timeline ?? []
  return timeline.some(
    (entry) =>
      entry.kind === "redriven" &&
      entry.edit?.failedAt === asked.failedAt &&
      entry.edit.fingerprint === asked.fingerprint,
  )
}

const missing = (queue: string, id: string): ProblemError =>
  new ProblemError(
    "not-found",
    `The dead letters of ${queue} have no such event ${JSON.stringify(id)}: it was redriven or deleted, or has failed again; ` +
      "its history says which. On RabbitMQ, another instance may be reading the dead letters: then repeat the request.",
  )

const fingerprintOf = ({ payload, metadata }: Edit): string =>
  new Fingerprint("edit", JSON.stringify([payload, metadata ?? null])).end()
