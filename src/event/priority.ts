/** The priorities of an event by name, lowest first. */
export const PRIORITIES = ["low", "medium", "high", "critical"] as const

export type Priority = (typeof PRIORITIES)[number]

export const DEFAULT_PRIORITY: Priority = "medium"

/**
 * A priority as the number that an engine orders by: 1, 4, 7, 9.
 * RabbitMQ's quorum queues with two levels treat 5 and up as high, so this splits ours in the middle.
 */
export const PRIORITY_LEVELS = { low: 1, medium: 4, high: 7, critical: 9 } as const satisfies Record<
  Priority,
  number
>

/**
 * The number that an engine orders an event by. Those with an ordering key all have the same: within a key, what was
 * published first goes first, whatever its priority.
 */
export const orderLevel = (event: { readonly priority: Priority; readonly ordering_key?: string }): number =>
  PRIORITY_LEVELS[event.ordering_key === undefined ? event.priority : DEFAULT_PRIORITY]
