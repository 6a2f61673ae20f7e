import type { Database } from "bun:sqlite"
import type { EventRow } from "./examined-event.ts"

/** A message's key within its queue and state. */
export interface MessageKey {
  readonly queue: number
  readonly priority: number
  readonly position: number
}

/** A message held by a consumer. */
export interface Message extends MessageKey {
  readonly event: number
  readonly shared: number
  readonly attempt: number
  readonly queuedAt: number
  readonly failure: string | null
}

type Value = { readonly value: number | null }
export type Statements = ReturnType<typeof prepare>

/**
 * Prepares the statements for messages. Each one takes a few seeks, except those that by their name walk many
 * rows.
 */
export function prepare(database: Database) {
  const isFree = `NOT EXISTS (SELECT 1 FROM messages WHERE event = ?1 AND shared = 1)
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE event = ?1)`
  const columns = "queue, priority, position, event, shared, attempt, queued_at AS queuedAt, failure"
  const query = <Row, Parameters extends (string | number | null)[]>(sql: string) =>
    database.prepare<Row, Parameters>(sql)
  return {
    begin: query<never, []>("BEGIN IMMEDIATE"),
    commit: query<never, []>("COMMIT"),
    rollback: query<never, []>("ROLLBACK"),
    lastEvent: query<Value, []>("SELECT max(seq) AS value FROM events"),
    lastDeadLetterPosition: query<Value, []>("SELECT max(position) AS value FROM dead_letters"),
    lastPosition: query<Value, [number, number, number]>(
      "SELECT max(position) AS value FROM messages WHERE queue = ? AND state = ? AND priority = ?",
    ),
    front: query<Message & EventRow, [number, number, number]>(
      `SELECT ${columns}, body, trace, checksum FROM messages LEFT JOIN events ON seq = event
       WHERE queue = ? AND state = ? ORDER BY priority DESC, position LIMIT ?`,
    ),
    inState: query<Message, [number, number]>(
      `SELECT ${columns} FROM messages WHERE queue = ? AND state = ?`,
    ),
    waitingThrough: query<Message, [number, number, number, number]>(
      `SELECT ${columns} FROM messages WHERE queue = ? AND state = ? AND position <= ? LIMIT ?`,
    ),
    anyInState: query<Value, [number, number]>(
      "SELECT 1 AS value FROM messages WHERE queue = ? AND state = ? LIMIT 1",
    ),
    head: query<Message, [number, number, number]>(
      `SELECT ${columns} FROM messages WHERE queue = ? AND state = ? AND priority = ? ORDER BY position LIMIT 1`,
    ),
    move: query<
      never,
      [number, number, number, number, number | null, string | null, number, number, number, number]
    >(
      "UPDATE messages SET state = ?, position = ?, attempt = ?, queued_at = ?, due_at = ?, failure = ?" +
        " WHERE queue = ? AND state = ? AND priority = ? AND position = ?",
    ),
    deleteMessage: query<never, [number, number, number, number]>(
      "DELETE FROM messages WHERE queue = ? AND state = ? AND priority = ? AND position = ?",
    ),
    body: query<{ readonly body: string }, [number]>("SELECT body FROM events WHERE seq = ?"),
    deleteEvent: query<never, [number]>("DELETE FROM events WHERE seq = ?"),
    deleteEventIfFree: query<never, [number]>(`DELETE FROM events WHERE seq = ?1 AND ${isFree}`),
    freeEvent: query<Value, [number]>(`SELECT seq AS value FROM events WHERE seq = ?1 AND ${isFree}`),
    due: query<Message, [number, number]>(
      `SELECT ${columns} FROM messages WHERE due_at <= ? ORDER BY due_at LIMIT ?`,
    ),
    nextDue: query<Value, []>("SELECT min(due_at) AS value FROM messages WHERE due_at IS NOT NULL"),
    countAll: query<Value, []>("SELECT count(*) AS value FROM messages"),
    countMessages: query<Value, [number, number]>(
      "SELECT count(*) AS value FROM messages WHERE queue = ? AND state = ?",
    ),
    countDeadLetters: query<Value, [number]>("SELECT count(*) AS value FROM dead_letters WHERE queue = ?"),
    insertDeadLetter: query<never, [number, number, number, number, string]>(
      "INSERT INTO dead_letters (position, queue, event, priority, failure) VALUES (?, ?, ?, ?, ?)",
    ),
    countTurn: query<never, [number, number]>("UPDATE store SET turn = ?, recorded = ? WHERE id = 1"),
    probe: query<never, [number]>("INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(?))"),
  }
}
