import { HistoryCursorError } from "./errors.ts"

/** A place in the list of events. */
export interface Place {
  /** Id of the file that the number belongs to. */
  readonly fileId: string
  readonly seq: number
  /** When the event became known: the place in the file of another instance. */
  readonly at: number
}

const CURSOR = /^([0-9a-f]{8})-(\d{1,15})-(\d{1,15})$/

export const cursorText = ({ fileId, seq, at }: Place): string => `${fileId}-${seq}-${at}`

/** @throws {HistoryCursorError} */
export function readCursor(text: string): Place {
  const [, fileId, seq, at] = CURSOR.exec(text) ?? []
  if (fileId === undefined) throw new HistoryCursorError()
  return { fileId, seq: Number(seq), at: Number(at) }
}
