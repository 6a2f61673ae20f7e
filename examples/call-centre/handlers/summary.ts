import { Database } from "bun:sqlite"
import type { BatchHandlerModule } from "event-broker"

/** The database of the sums. All workers write to it. */
const database = new Database(process.env["SUMMARY_FILE"] ?? "summary.db", { create: true })
database.run("PRAGMA busy_timeout = 10000")
database.run("PRAGMA journal_mode = WAL")
database.run("PRAGMA synchronous = NORMAL")
database.run("CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY) WITHOUT ROWID")
database.run(
  "CREATE TABLE IF NOT EXISTS calls (call TEXT PRIMARY KEY, position INTEGER, disorder INTEGER) WITHOUT ROWID",
)
database.run(
  "CREATE TABLE IF NOT EXISTS hours (hour TEXT PRIMARY KEY, calls INTEGER, utterances INTEGER, seconds INTEGER)",
)

const see = database.prepare<unknown, [string]>("INSERT OR IGNORE INTO seen VALUES (?)")
const follow = database.prepare<unknown, [string, number]>(
  `INSERT INTO calls VALUES (?1, ?2, ?2 <> 0) ON CONFLICT DO UPDATE
   SET disorder = disorder + (excluded.position <> position + 1), position = excluded.position`,
)
const count = database.prepare<unknown, [string, number, number, number]>(
  `INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
   SET calls = calls + excluded.calls, utterances = utterances + excluded.utterances, seconds = seconds + excluded.seconds`,
)

/** Sums up a day of calls by the hour. Counts an event once, even if it is delivered again. */
export default {
  queue: "voice_events",
  batch: { size: 500, wait: 50 },
  on: {
    "*": (events) => {
      const sumUp = database.transaction(() => {
        for (const { id, name, payload, metadata } of events) {
          if (see.run(id).changes === 0) continue
          follow.run(String(payload["call_id"]), Number(metadata["position"]))
          const hour = String(metadata["happened_at"]).slice(11, 13)
          const seconds = name === "call.ended" ? Number(payload["duration_seconds"]) : 0
          count.run(hour, Number(name === "call.started"), Number(name === "speech_recognized"), seconds)
        }
      })
      sumUp.immediate()
    },
  },
} satisfies BatchHandlerModule
