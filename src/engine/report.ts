/** Receives log entries of the engine; `fields` belong to the message. Must not throw. */
export type Report = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void
