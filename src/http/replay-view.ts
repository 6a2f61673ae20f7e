import { z } from "@hono/zod-openapi"
import { REPLAY_STATES, type Replay } from "../replay/replay.ts"

const seconds = z.number().openapi({ description: "Seconds since the epoch, fractional." })

export const ReplaySchema = z
  .object({
    id: z.string(),
    queue: z.string(),
    state: z.enum(REPLAY_STATES).openapi({
      description:
        "`running`, also while it waits for room in the queue; `done`; `aborted` by somebody; `interrupted` by the end of the " +
        "service; `failed`, because it can't go on. All but the first two can be resumed.",
    }),
    selected: z.number().int().openapi({ description: "Number of events that were selected when it began." }),
    replayed: z.number().int().openapi({ description: "Number of events that were put on the queue." }),
    missing: z
      .number()
      .int()
      .openapi({ description: "Number of given ids whose event the history does not have." }),
    rate: z.number().openapi({ description: "Most events per second." }),
    began_at: seconds,
    ended_at: seconds.nullable(),
    reason: z.string().nullable().openapi({ description: "Why it waits, or why it failed; otherwise null." }),
  })
  .openapi("Replay")

/** A replay as answers show it. */
export type ReplayView = z.infer<typeof ReplaySchema>

export const EXAMPLE_REPLAY: ReplayView = {
  id: "01a20ace-3c11-7b52-a1f0-6d0b5a5c7c11",
  queue: "voice_events",
  state: "running",
  selected: 1_200,
  replayed: 340,
  missing: 0,
  rate: 100,
  began_at: 1_795_477_700.25,
  ended_at: null,
  reason: null,
}

export const ReplayPath = z.object({
  id: z.string().openapi({ description: "The replay's id.", example: EXAMPLE_REPLAY.id }),
})

export const showReplay = (replay: Replay): ReplayView => ({
  id: replay.id,
  queue: replay.queue,
  state: replay.state,
  selected: replay.selected,
  replayed: replay.replayed,
  missing: replay.missing,
  rate: replay.rate,
  began_at: replay.beganAt / 1_000,
  ended_at: replay.endedAt === null ? null : replay.endedAt / 1_000,
  reason: replay.reason,
})
