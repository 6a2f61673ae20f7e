import { ModuleLoadError } from "./module-load-error.ts"
import { codeFrame, shortPath } from "./source-position.ts"

/** One fault because of which a module set was not taken into use. */
export interface RejectedFault {
  /** Name of the module's file within `HANDLERS_DIR`; null if no module is to blame. */
  readonly module: string | null
  readonly message: string
  /** Path of the file with the fault, from the working folder; null, as its place in it, if it is not known. */
  readonly file: string | null
  /** Both count from 1. */
  readonly line: number | null
  readonly column: number | null
  /** The lines around it, with a mark below the place; empty if it is not known. */
  readonly frame: readonly string[]
}

/** A module set that was not taken into use. */
export interface Rejection {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly faults: readonly RejectedFault[]
}

/** Describes the error because of which a module set can't be used. */
export function rejectionOf(error: unknown, at: number): Rejection {
  if (!(error instanceof ModuleLoadError)) {
    const message = error instanceof Error ? error.message : String(error)
    return { at, faults: [{ module: null, message, file: null, line: null, column: null, frame: [] }] }
  }
  const faults = error.faults.map(({ message, at: place }) => ({
    module: error.file,
    message,
    file: place === null ? null : shortPath(place.path),
    line: place?.line ?? null,
    column: place?.column ?? null,
    frame: place === null ? [] : codeFrame(place),
  }))
  return { at, faults }
}
