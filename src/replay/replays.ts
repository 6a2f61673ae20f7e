import type { Engine } from "../engine/engine.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"
import {
  type Replay,
  ReplayConflictError,
  type ReplayOrder,
  type ReplaySelection,
  UnknownReplayError,
} from "./replay.ts"
import type { ReplayFile } from "./replay-file.ts"
import { ReplayRun } from "./replay-run.ts"
import { type ReplaySource, selectedPages } from "./selected-events.ts"

/** Most replays that run at a time, and that are remembered. */
const MAX_RUNNING = 10
const MAX_KEPT = 100

/** How often the progress of running replays is written, in milliseconds. */
const SAVE_INTERVAL_MS = 1_000

const FROM_THE_START = { cursor: null, done: 0 } as const

export interface ReplaysOptions {
  readonly engine: Pick<Engine, "replay">
  readonly source: ReplaySource
  readonly file: ReplayFile
  readonly logger: Logger
}

/** Replays past events to queues. */
export class Replays {
  readonly #options: ReplaysOptions
  /** By id, the oldest first. */
  readonly #replays = new Map<string, Replay>()
  readonly #runs = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>()
  #timer: Timer | undefined
  #isStopping = false
  /** False while the file can't be written: the log says so once. */
  #isSaved = true

  /** Reads the replays of the last process. Those that ran are interrupted now. */
  constructor(options: ReplaysOptions) {
    this.#options = options
    for (const replay of this.#read()) {
      const isCut = replay.state === "running"
      this.#replays.set(replay.id, isCut ? { ...replay, state: "interrupted", endedAt: Date.now() } : replay)
      if (isCut) this.#tellInterrupted(replay)
    }
  }

  /** All replays that are remembered, the newest first. */
  list(): readonly Replay[] {
    return [...this.#replays.values()].reverse()
  }

  /** @throws {UnknownReplayError} */
  get(id: string): Replay {
    const replay = this.#replays.get(id)
    if (replay === undefined) throw new UnknownReplayError(id)
    return replay
  }

  /** Counts the events that a replay would put on its queue. @throws {HistoryUnavailableError} */
  async count({ selection }: Pick<ReplayOrder, "selection">): Promise<number> {
    let selected = 0
    for await (const { events } of selectedPages(this.#options.source, selection, FROM_THE_START)) {
      selected += events.length
    }
    return selected
  }

  /** Begins a replay. @throws {ReplayConflictError | HistoryUnavailableError} */
  async start(order: ReplayOrder): Promise<Replay> {
    this.#requireRoom()
    const selection = untilNow(order.selection)
    const selected = await this.count({ selection })
    this.#requireRoom()
    const replay: Replay = {
      ...order,
      selection,
      id: Bun.randomUUIDv7(),
      state: "running",
      selected,
      replayed: 0,
      missing: 0,
      beganAt: Date.now(),
      endedAt: null,
      reason: null,
      place: FROM_THE_START,
    }
    this.#forgetOldest()
    return this.#run(replay)
  }

  /**
   * Goes on with a replay that has ended before its end. Up to a second of events before an interruption is put on the
   * queue again. @throws {UnknownReplayError | ReplayConflictError}
   */
  resume(id: string): Replay {
    const replay = this.get(id)
    if (replay.state === "running") throw new ReplayConflictError(`the replay ${id} is running`)
    if (replay.state === "done") throw new ReplayConflictError(`the replay ${id} is done`)
    this.#requireRoom()
    return this.#run({ ...replay, state: "running", endedAt: null, reason: null })
  }

  /** Ends a replay. Events that are on the queue stay there. Resolves when no more come. @throws {UnknownReplayError} */
  async abort(id: string): Promise<Replay> {
    this.get(id)
    const run = this.#runs.get(id)
    run?.controller.abort()
    await run?.ended
    return this.get(id)
  }

  /** Interrupts what runs. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { controller } of this.#runs.values()) controller.abort()
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
  }

  #run(replay: Replay): Replay {
    this.#replays.set(replay.id, replay)
    const controller = new AbortController()
    const run = new ReplayRun(replay, controller.signal, {
      ...this.#options,
      onChange: (change) => this.#change(replay.id, change),
    })
    const ended = run.run().then(
      () => this.#end(replay.id, controller.signal.aborted ? this.#stopState : "done", null),
      (error: unknown) => this.#end(replay.id, "failed", reasonOf(error)),
    )
    this.#runs.set(replay.id, { controller, ended })
    this.#timer ??= setInterval(() => this.#save(), SAVE_INTERVAL_MS)
    this.#save()
    return replay
  }

  get #stopState(): "interrupted" | "aborted" {
    return this.#isStopping ? "interrupted" : "aborted"
  }

  #end(id: string, state: Replay["state"], reason: string | null): void {
    this.#change(id, { state, reason, endedAt: Date.now() })
    this.#runs.delete(id)
    if (this.#runs.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    this.#save()
    const replay = this.get(id)
    if (state === "interrupted") {
      this.#tellInterrupted(replay)
      return
    }
    const { queue, replayed, selected } = replay
    const about = { replay: id, queue, replayed, selected, ...(reason !== null && { reason }) }
    this.#options.logger[state === "done" ? "info" : "warn"](about, `replay ${state}`)
  }

  #change(id: string, change: Partial<Replay>): void {
    this.#replays.set(id, { ...this.get(id), ...change })
  }

  /** @throws {ReplayConflictError} */
  #requireRoom(): void {
    if (this.#isStopping) throw new ReplayConflictError("the service is stopping")
    if (this.#runs.size < MAX_RUNNING) return
    throw new ReplayConflictError(`${MAX_RUNNING} replays are running: wait for one of them, or abort one`)
  }

  #forgetOldest(): void {
    for (const id of this.#replays.keys()) {
      if (this.#replays.size < MAX_KEPT) return
      if (!this.#runs.has(id)) this.#replays.delete(id)
    }
  }

  #tellInterrupted({ id: replay, queue, replayed, selected }: Replay): void {
    this.#options.logger.warn(
      { replay, queue, replayed, selected },
      "replay interrupted by the end of the service: resume it with event-broker replays resume",
    )
  }

  #read(): readonly Replay[] {
    const { file, logger } = this.#options
    try {
      return file.read()
    } catch (error) {
      logger.warn({ reason: reasonOf(error) }, "replays of the last process can't be read, and are forgotten")
      return []
    }
  }

  #save(): void {
    const { file, logger } = this.#options
    try {
      file.write([...this.#replays.values()])
      this.#isSaved = true
    } catch (error) {
      if (this.#isSaved) {
        const reason = reasonOf(error)
        logger.warn({ reason }, "replays can't be saved: after a restart, their progress is not known")
      }
      this.#isSaved = false
    }
  }
}

/** Ends a selection now, so that a replay does not select events that come during it. */
function untilNow(selection: ReplaySelection): ReplaySelection {
  if (selection.kind === "ids" || selection.filter.until !== undefined) return selection
  return { ...selection, filter: { ...selection.filter, until: Date.now() + 1 } }
}
