import type { QueueDeclaration } from "../../src/engine/engine.ts"

const HOUR_MS = 3_600_000

/** A queue that takes the events whose routing key is its name, unless the test says otherwise. */
export function queueDeclaration(
  name: string,
  overrides: Partial<Omit<QueueDeclaration, "name">> = {},
): QueueDeclaration {
  return {
    name,
    bindings: [name],
    ttlMs: HOUR_MS,
    maxLength: 1_000_000,
    overflow: "reject-publish",
    ...overrides,
  }
}
