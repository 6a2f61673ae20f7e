import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as v from "valibot"
import { DELIVERY_STATES, EVENT_STATUSES } from "../history/delivery-state.ts"
import { readTextFile } from "../system/text-file.ts"
import { REPLAY_STATES, type Replay } from "./replay.ts"

const FILE = "replays.json"

/** Largest file that is read, in bytes. */
const MAX_BYTES = 67_108_864

const texts = v.optional(v.array(v.string()))
const text = v.optional(v.string())
const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const FilterSchema = v.object({
  types: texts,
  names: texts,
  queues: texts,
  states: v.optional(v.array(v.picklist(DELIVERY_STATES))),
  status: v.optional(v.picklist(EVENT_STATUSES)),
  since: v.optional(v.number()),
  until: v.optional(v.number()),
  orderingKey: text,
  trace: text,
  causedBy: text,
  text,
  within: texts,
})

const ReplaysSchema = v.array(
  v.object({
    id: v.string(),
    queue: v.string(),
    selection: v.variant("kind", [
      v.object({ kind: v.literal("filter"), filter: FilterSchema, topics: v.nullable(v.array(v.string())) }),
      v.object({ kind: v.literal("ids"), ids: v.array(v.string()), within: v.nullable(v.array(v.string())) }),
    ]),
    rate: v.number(),
    state: v.picklist(REPLAY_STATES),
    selected: count,
    replayed: count,
    missing: count,
    beganAt: v.number(),
    endedAt: v.nullable(v.number()),
    reason: v.nullable(v.string()),
    place: v.object({ cursor: v.nullable(v.string()), done: count }),
  }),
)

/** Keeps the replays in a file of the data folder, so that a restart knows how far each one was. */
export class ReplayFile {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, FILE)
  }

  /** Returns none if there is no file. @throws if it can't be read, or is not one of this service */
  read(): readonly Replay[] {
    const content = readTextFile(this.#path, MAX_BYTES)
    return content === null ? [] : v.parse(ReplaysSchema, JSON.parse(content))
  }

  /** Replaces the file. @throws what the system throws */
  write(replays: readonly Replay[]): void {
    const partial = `${this.#path}.new`
    writeFileSync(partial, JSON.stringify(replays), { mode: 0o600 })
    renameSync(partial, this.#path)
  }
}
