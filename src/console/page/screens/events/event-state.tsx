import { Badge, type Tone } from "../../parts/badge.tsx"

const TONES: Readonly<Record<string, Tone>> = {
  handled: "good",
  completed: "good",
  retrying: "warning",
  unknown: "warning",
  dead: "bad",
  expired: "bad",
  failed: "bad",
}

/** Returns whether a state or a status says that an event has failed. */
export const isBad = (state: string): boolean => TONES[state] === "bad"

/** The state of a delivery, or the status of an event. */
export const EventState = ({ state }: { state: string }) => (
  <Badge tone={TONES[state] ?? "neutral"}>{state}</Badge>
)
