/** The five types of event. Each has a predefined queue, `<type>_events`. */
export const EVENT_TYPES = ["voice", "user", "system", "notification", "custom"] as const

export type EventType = (typeof EVENT_TYPES)[number]

export const isEventType = (value: unknown): value is EventType => EVENT_TYPES.some((each) => each === value)
