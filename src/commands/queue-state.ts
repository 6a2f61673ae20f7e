/** The fields of `/api/v1/queues` on which the state of a queue depends. */
export interface QueueFigures {
  readonly waiting: number
  /** Those of the waiting events that nothing has taken. Absent from a service of an earlier version, which counts only them. */
  readonly queued?: number
  readonly max_length: number
  readonly consumers: number
  readonly has_module: boolean
  readonly is_paused: boolean
  readonly is_busy: boolean
  readonly is_orphaned: boolean
}

/**
 * Returns the state of a queue in the words of `/health`; empty if it needs nobody. `full`: it is at its limit, and refuses
 * events or drops its oldest. `busy`: its events wait because the workers run as many as they take. `orphaned`, `paused`, `no handler module`, `not consumed`: its events wait.
 */
export function stateOf(queue: QueueFigures): string {
  const isFull = (queue.queued ?? queue.waiting) >= queue.max_length
  return [...(isFull ? ["full"] : []), ...reasonsToWait(queue)].join(" and ")
}

function reasonsToWait(queue: QueueFigures): readonly string[] {
  if (queue.is_orphaned) return ["orphaned"]
  if (queue.is_paused) return ["paused"]
  if (queue.is_busy && queue.waiting > 0) return ["busy"]
  // Another instance may have the module.
  if (queue.consumers > 0) return []
  if (queue.has_module) return ["not consumed"]
  // An empty queue without a module is how every service begins.
  return queue.waiting > 0 ? ["no handler module"] : []
}
