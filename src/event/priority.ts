/** The priorities of an event by name, lowest first. */
export const PRIORITIES = ["low", "medium", "high", "critical"] as const

export type Priority = (typeof PRIORITIES)[number]

export const DEFAULT_PRIORITY: Priority = "medium"

/**
 * The numbers that engines order by: 1, 4, 7, 9. RabbitMQ's quorum queues with two levels treat 5 and above
 * as high, so these numbers split the four names in the middle.
 */
export const PRIORITY_LEVELS = { low: 1, medium: 4, high: 7, critical: 9 } as const satisfies Record<
  Priority,
  number
>

/**
 * Returns the number that an engine orders an event by. Events with an ordering key share one level, because
 * events of one key stay in the order they were published, whatever their priority.
 */
export const orderLevel = (event: { readonly priority: Priority; readonly ordering_key?: string }): number =>
  PRIORITY_LEVELS[event.ordering_key === undefined ? event.priority : DEFAULT_PRIORITY]
