/** Options of a worker. */
export interface WorkerOptions {
  readonly workerUrl: string
  /** Most jobs that it holds at a time. */
  readonly slots: number
  /** How long each module may take to load, in milliseconds. */
  readonly loadTimeoutMs: number
  /** `process.env` of its handlers. */
  readonly environment: Readonly<Record<string, string>>
  /** The heap that is too large, in bytes; 0: none is. */
  readonly memoryLimitBytes: number
}
