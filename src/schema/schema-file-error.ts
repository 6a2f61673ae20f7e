import { counted } from "../event/counted.ts"
import { reasonOf } from "../system/reason-of.ts"

/** Most faults that one error tells. */
const MAX_TOLD = 20

/** Files that are no usable schemas. Each fault is one sentence for the operator. */
export class SchemaFileError extends Error {
  override readonly name = "SchemaFileError"
  readonly faults: readonly string[]

  constructor(path: string, reason: string, options?: ErrorOptions) {
    const fault = `the schema ${path} can't be used: ${reason}`
    super(fault, options)
    this.faults = [fault]
  }

  /** Makes one error of several. */
  static ofAll(errors: readonly [SchemaFileError, ...SchemaFileError[]]): SchemaFileError {
    const [first, ...others] = errors
    if (others.length === 0) return first
    const told = errors.flatMap(({ faults }) => faults).slice(0, MAX_TOLD)
    const more =
      errors.length > told.length ? [`and ${counted(errors.length - told.length, "more file")}`] : []
    return Object.assign(first, { message: [...told, ...more].join("; "), faults: [...told, ...more] })
  }
}

/**
 * Does the same with each file, also after one that fails.
 * @throws {SchemaFileError} that names every file that failed
 */
export function eachFile<File extends { readonly path: string }, Result>(
  files: readonly File[],
  work: (file: File) => Result,
): readonly Result[] {
  const results: Result[] = []
  const errors: SchemaFileError[] = []
  for (const file of files) {
    try {
      results.push(work(file))
    } catch (cause) {
      errors.push(
        cause instanceof SchemaFileError ? cause : new SchemaFileError(file.path, reasonOf(cause), { cause }),
      )
    }
  }
  const [first, ...others] = errors
  if (first !== undefined) throw SchemaFileError.ofAll([first, ...others])
  return results
}
