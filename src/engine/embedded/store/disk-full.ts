/**
 * Codes of a full disk, from SQLite and the file system. SQLite's shared memory is a file next to the
 * database.
 */
const DISK_FULL_CODES = new Set(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC", "EDQUOT"])

/** Returns whether an error, or its cause, has the code of a full disk. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  return DISK_FULL_CODES.has(code) || isDiskFull(error.cause)
}
