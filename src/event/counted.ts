/** Writes a number with its noun: `1 event`, `2 events`, `0 dead letters`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
