import { expect, test } from "bun:test"
import { openStore } from "../../../src/engine/embedded/database.ts"
import { LogKeeper } from "../../../src/engine/embedded/log-keeper.ts"
import {
  SyncRequest,
  THEN_CHECKPOINT,
  THEN_NOTHING,
  THEN_TAKE_OVER,
} from "../../../src/engine/embedded/sync-request.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"

test("a checkpoint follows its own sync, though it was asked for the moment after the answer to the one before", () => {
  using folder = temporaryFolder()
  using store = openStore(folder.path)
  const request = new SyncRequest()
  const next = [THEN_CHECKPOINT, THEN_TAKE_OVER, THEN_NOTHING]
  const answers: string[] = []
  request.make(1, THEN_NOTHING)
  new LogKeeper({ databaseFile: store.database.filename, storeId: store.storeId }).serve(
    request,
    ({ kind }) => {
      answers.push(kind)
      const isLast = kind === "checkpointed" || kind === "took-over" || answers.length === 1
      const followUp = isLast ? next.shift() : undefined
      if (followUp !== undefined) request.make(answers.length, followUp)
    },
  )
  expect(answers).toEqual(["synced", "synced", "checkpointed", "synced", "took-over", "closed"])
})
