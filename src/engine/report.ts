/** Takes what the engine has to say to whoever runs it; `fields` go with the message. Must not throw. */
export type Report = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void
