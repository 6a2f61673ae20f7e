/** Waits for a millisecond, like a call to a fast service. */
export default { queue: "voice_events", on: { "*": () => Bun.sleep(1) } }
