import { describePosition, type SourcePosition } from "./source-position.ts"

/** A fault in a handler module. */
export interface ModuleFault {
  /** Completes "handler module voice.ts: …". */
  readonly message: string
  /** Null if it is not known. */
  readonly at: SourcePosition | null
}

/**
 * A handler module that can't be used. The message names the file and the fault, and shows the position with the lines
 * around it.
 */
export class ModuleLoadError extends Error {
  override readonly name = "ModuleLoadError"
  readonly file: string

  constructor(file: string, faults: readonly ModuleFault[]) {
    super(faults.map((fault) => describeFault(file, fault)).join("\n"))
    this.file = file
  }
}

function describeFault(file: string, { message, at }: ModuleFault): string {
  const sentence = `handler module ${file}: ${message}`
  return at === null ? sentence : `${sentence}\n${describePosition(at)}`
}
