import type { QueueDeclaration } from "../../src/engine/engine.ts"

const HOUR_MS = 3_600_000

/** Returns a queue for events whose routing key is its name, with the overrides of the test. */
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
