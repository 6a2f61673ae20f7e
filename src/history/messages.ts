/** Messages between the history on the main thread and the thread that keeps its file. */
import type { FactBatch } from "../event/history-fact.ts"
import type { Gap } from "./gaps.ts"
import type { HistoryQueries } from "./history-query.ts"
import type { HistoryLimits } from "./retention.ts"

export type QueryName = keyof HistoryQueries

/** A query, with its parameters. */
export type QueryCall = {
  readonly [Name in QueryName]: { readonly name: Name; readonly args: Parameters<HistoryQueries[Name]> }
}[QueryName]

/** The first message to the thread. */
export interface HistoryStart {
  readonly kind: "start"
  readonly file: string
  readonly limits: HistoryLimits
  /** As in `FactLog`. */
  readonly lacksPast: boolean
  /** Why this file follows one that was lost; null if it does not. */
  readonly lost: string | null
  /** The file with the events that facts refer to; null if they refer to none. */
  readonly eventsFile: string | null
  /** True if live traffic comes first. */
  readonly isLowPriority: boolean
}

/** Requests are served in order. */
export type HistoryRequest =
  | HistoryStart
  /** Answered with `applied` or `not-applied`. */
  | { readonly kind: "apply"; readonly batches: readonly FactBatch[] }
  /** Answered with `answered` or `refused` of the same number. */
  | { readonly kind: "query"; readonly number: number; readonly call: QueryCall }
  /** Answered with `closed`. */
  | { readonly kind: "close" }

export type HistoryAnswer =
  /** The file is open. */
  | { readonly kind: "opened"; readonly position: string | null; readonly gap: Gap | null }
  /** The file could not be used. It has another name now, and another file is begun. */
  | { readonly kind: "set-aside"; readonly name: string; readonly reason: string }
  | {
      readonly kind: "applied"
      readonly position: string | null
      readonly gap: Gap | null
      readonly skipped: number
    }
  /** Nothing was applied, for a reason that may pass. */
  | { readonly kind: "not-applied"; readonly reason: string }
  | { readonly kind: "answered"; readonly number: number; readonly answer: unknown }
  | {
      readonly kind: "refused"
      readonly number: number
      readonly reason: string
      readonly isCursorFault: boolean
    }
  /** The thread can't go on, and has closed the file. `isLost`: its name leads to another one now, or to none. */
  | { readonly kind: "failed"; readonly reason: string; readonly isLost: boolean }
  | { readonly kind: "closed" }

/** Calls a query. */
export function callQuery(queries: HistoryQueries, call: QueryCall): unknown {
  switch (call.name) {
    case "lookup":
      return queries.lookup(...call.args)
    case "list":
      return queries.list(...call.args)
    case "select":
      return queries.select(...call.args)
    case "unfinished":
      return queries.unfinished()
  }
}

/** Returns the answer to a query with its type. The only cast: the thread answers the query that it was asked. */
export const answerOf = <Name extends QueryName>(answer: unknown): ReturnType<HistoryQueries[Name]> =>
  answer as ReturnType<HistoryQueries[Name]>
