/** An event as a client publishes it, of the platform's usual size. */
export const draft = (fields: Readonly<Record<string, unknown>> = {}) => ({
  type: "voice",
  name: "speech_recognized",
  payload: { call_id: "c-4711", text: "hello there, how can I help you today?", confidence: 0.97, ...fields },
  metadata: { session: "s-42", language: "en" },
  priority: "high",
})
