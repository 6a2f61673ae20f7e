/** Takes every event, and does nothing: what is measured is the way there and back. */
export default { queue: "voice_events", on: { "*": async () => {} } }
