/** Waits for a millisecond, as for something else that answers fast. */
export default { queue: "voice_events", on: { "*": () => Bun.sleep(1) } }
