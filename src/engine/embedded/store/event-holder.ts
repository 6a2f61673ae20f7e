/** Keeps events in the store that no message needs any more. */
export interface EventHolder {
  /** Returns whether the event must stay. */
  isNeeded(event: number): boolean
  /** Takes an event that must stay, and deletes it in a later turn. */
  hold(event: number): void
}
