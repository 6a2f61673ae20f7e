import { reasonOf } from "../../../system/reason-of.ts"
import { codeOf } from "../../../system/text-file.ts"
import { DataDirError, EngineStartError } from "../../errors.ts"

/** The system's codes for a folder that stays unusable. A full disk or an open file too many passes. */
const STAYING = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "ELOOP", "ENAMETOOLONG"]

/**
 * Makes the error for a folder of a store that can't be used.
 * @param fault completes "DATA_DIR …"
 */
export function dataDirError(dataDir: string, fault: string, cause: unknown): EngineStartError {
  const Kind = STAYING.includes(codeOf(cause)) ? DataDirError : EngineStartError
  return new Kind(`DATA_DIR ${dataDir} ${fault}: ${reasonOf(cause)}`, { cause })
}
