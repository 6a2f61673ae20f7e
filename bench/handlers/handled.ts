/** Handles every event without doing anything, to measure only the delivery and settlement. */
export default { queue: "voice_events", on: { "*": async () => {} } }
