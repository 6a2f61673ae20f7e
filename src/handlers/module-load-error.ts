import { describePosition, type SourcePosition } from "./source-position.ts"

/** A fault in a handler module. */
export interface ModuleFault {
  /** Completes "handler module voice.ts: …". */
  readonly message: string
  /** Null if it is not known. */
  readonly at: SourcePosition | null
}

/** The message of a fault: the module ends its worker. */
export const EXITS =
  "ended its worker while it was loaded, as process.exit does: throw an error that says why it can't be used"

/**
 * A handler module that can't be used. The message names the file and the fault, and shows the position with the lines
 * around it.
 */
export class ModuleLoadError extends Error {
  override readonly name = "ModuleLoadError"
  readonly file: string
  readonly faults: readonly ModuleFault[]

  constructor(file: string, faults: readonly ModuleFault[]) {
    super(faults.map((fault) => describeFault(file, fault)).join("\n"))
    this.file = file
    this.faults = faults
  }
}

function describeFault(file: string, { message, at }: ModuleFault): string {
  const sentence = `handler module ${file}: ${message}`
  return at === null ? sentence : `${sentence}\n${describePosition(at)}`
}
