import { z } from "@hono/zod-openapi"
import type { DeadLetter, DeadLetterPage, DeadLetterSelection, EditedEvent } from "../engine/dead-letter.ts"
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

/** Waits before a dead letter is looked for again that others may have, in milliseconds. */
const LOOK_AGAIN_MS = [100, 200, 400, 800, 1_600]

/** Looks that follow one at which nothing else seemed to read the dead letters: it may hold some for a moment without consuming. */
const QUIET_LOOKS = 2

interface Found {
  readonly letter: DeadLetter | null
  readonly isBeingRead: DeadLetterPage["isBeingRead"] | undefined
}

type Parts = Pick<HttpContext, "engine" | "history" | "publisher">

/**
 * Moves a dead letter back to its queue with another payload.
 * @returns false if an earlier request has done that already
 * @throws {ProblemError} `not-found` if there is no such dead letter, `dead-letters-in-use` if others read the dead letters and
 * may have it, `validation-failed` if it can't be edited, `queue-full`
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
  const { letter, isBeingRead } = await findInTime(parts, queue, selection)
  const failedAt = letter?.failure.lastFailedAt ?? msOf(edit)
  if (failedAt !== undefined && (await isDone(parts, queue, edit.id, { failedAt, fingerprint }, reach))) {
    // The service ended after the event was stored, and before it left the dead letters.
    if (letter !== null) await engine.purgeDeadLetters(queue, { ...selection, ...failedLast(failedAt) })
    return false
  }
  if (letter === null) throw absent(queue, edit.id, isBeingRead)
  const edited = { event: editedEvent(letter, edit), failedAt: letter.failure.lastFailedAt, fingerprint }
  publisher.checkEdited(edited.event)
  const move = async (): Promise<boolean> => {
    const of = { ...selection, ...failedLast(edited.failedAt) }
    return (await engine.redrive(queue, of, { edited })).redriven > 0
  }
  if (await move()) return true
  // Another instance may have taken it in between.
  const now = await findInTime(parts, queue, selection)
  if (now.letter === null) throw absent(queue, edit.id, now.isBeingRead)
  if (now.isBeingRead !== undefined && (await move())) return true
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

/** Looks for a dead letter again while something else may have it. */
async function findInTime(parts: Parts, queue: string, selection: DeadLetterSelection): Promise<Found> {
  let found = await find(parts, queue, selection)
  let quiet = 0
  for (const waitMs of LOOK_AGAIN_MS) {
    if (found.letter !== null || found.isBeingRead === undefined) return found
    if (!found.isBeingRead && ++quiet > QUIET_LOOKS) return found
    await Bun.sleep(waitMs)
    found = await find(parts, queue, selection)
  }
  return found
}

async function find({ engine }: Parts, queue: string, selection: DeadLetterSelection): Promise<Found> {
  let cursor: string | undefined
  let isBeingRead: boolean | undefined
  do {
    const page = await engine.deadLetters(queue, selection, cursor)
    const [letter] = page.letters
    if (page.isBeingRead !== undefined) isBeingRead = page.isBeingRead || isBeingRead === true
    if (letter !== undefined) return { letter, isBeingRead }
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
  return { letter: null, isBeingRead }
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

const absent = (queue: string, id: string, isBeingRead = false): ProblemError =>
  isBeingRead ? inUse(queue) : missing(queue, id)

const inUse = (queue: string): ProblemError =>
  new ProblemError(
    "dead-letters-in-use",
    `Another instance or program is reading the dead letters of ${queue}, and those that it has can't be seen. Repeat the ` +
      `request. If it stays so, look for consumers of dead.${queue} on RabbitMQ.`,
  )

const missing = (queue: string, id: string): ProblemError =>
  new ProblemError(
    "not-found",
    `The dead letters of ${queue} have no such event ${JSON.stringify(id)}: it was redriven or deleted, or has failed again; ` +
      "its history says which.",
  )

const fingerprintOf = ({ payload, metadata }: Edit): string =>
  new Fingerprint("edit", JSON.stringify([payload, metadata ?? null])).end()
