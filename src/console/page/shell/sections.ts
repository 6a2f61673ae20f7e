/** The screens of the navigation: their first segment in the address, and the key after `g`. */
export const SECTIONS = [
  { id: "", name: "Overview", key: "o" },
  { id: "queues", name: "Queues", key: "q" },
  { id: "events", name: "Events", key: "e" },
  { id: "dead-letters", name: "Dead letters", key: "d" },
  { id: "modules", name: "Modules", key: "m" },
  { id: "schemas", name: "Schemas", key: "s" },
] as const

export type SectionId = (typeof SECTIONS)[number]["id"]
