import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { LogKeeper, type SyncAnswer } from "../../../src/engine/embedded/commit/log-keeper.ts"
import {
  type FollowUp,
  SyncRequest,
  THEN_CHECKPOINT,
  THEN_NOTHING,
  THEN_TAKE_OVER,
} from "../../../src/engine/embedded/commit/sync-request.ts"
import { type OpenStore, openStore } from "../../../src/engine/embedded/store/database.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { hasLogHeader } from "../../support/write-ahead-log.ts"

/**
 * Makes requests to a keeper on this thread: the first one, then each that the test derives from an answer.
 * Finally closes the store. Returns the answers.
 */
function ask(
  { database, storeId }: OpenStore,
  first: FollowUp,
  next: (answer: SyncAnswer) => FollowUp | null,
): SyncAnswer[] {
  const request = new SyncRequest()
  const answers: SyncAnswer[] = []
  request.make(1, first)
  new LogKeeper({ databaseFile: database.filename, storeId }).serve(request, (answer) => {
    const followUp = answer.kind === "took-over" ? THEN_NOTHING : next(answer)
    answers.push(answer)
    if (followUp !== null) request.make(answers.length + 1, followUp)
  })
  return answers.slice(0, -3)
}

test("a checkpoint follows its own sync, even if it is requested right after the previous answer", () => {
  using folder = temporaryFolder()
  using store = openStore(folder.path)
  const next: (FollowUp | null)[] = [THEN_CHECKPOINT, null, THEN_TAKE_OVER]
  const answers = ask(store, THEN_NOTHING, () => next.shift() ?? null)
  expect(answers).toEqual([{ kind: "synced" }, { kind: "synced" }, { kind: "checkpointed", isWhole: true }])
})

test("a log that was copied while something read it is invalid on the disk until it is written again", () => {
  using folder = temporaryFolder()
  using store = openStore(folder.path)
  using reader = new Database(store.database.filename, { readonly: true })
  reader.run("BEGIN")
  reader.run("SELECT count(*) FROM events")
  const headers: boolean[] = []
  const answers = ask(store, THEN_CHECKPOINT, ({ kind }) => {
    headers.push(hasLogHeader(folder.path))
    if (headers.length === 1) return null
    if (kind !== "checkpointed") return THEN_TAKE_OVER
    // The reader keeps SQLite from restarting the log, so this commit is appended.
    store.database.run("UPDATE store SET turn = 1")
    return THEN_NOTHING
  })
  expect(answers).toEqual([{ kind: "synced" }, { kind: "checkpointed", isWhole: false }, { kind: "synced" }])
  expect(headers.slice(0, 3)).toEqual([true, false, true])
})
