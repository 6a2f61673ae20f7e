import type { EngineCapabilities } from "../engine.ts"

/** The embedded engine keeps every promise of the port. */
export const EMBEDDED_CAPABILITIES: EngineCapabilities = {
  priorities: "strict",
  remembersQueues: true,
  findsUndeclaredQueues: true,
  updatesQueues: true,
  refusesOnAllQueuesOrNone: true,
  hasExactLimits: true,
  releaseKeepsAttempt: true,
  storesTriedAttempts: true,
  maxUnsettledMs: null,
  countsEveryRedelivery: true,
  deduplicates: "exact",
  crashKeepsDeadLetterOrder: true,
  countsRetries: true,
}
