interface QueueStats {
  readonly queue_name: string
  readonly message_count: number
}

/** Returns how many events wait in `voice_events`, according to the service. */
export async function queueDepth(url: string): Promise<number> {
  const stats = (await (await fetch(`${url}/api/v1/events/stats`)).json()) as readonly QueueStats[]
  const found = stats.find(({ queue_name }) => queue_name === "voice_events")
  if (found === undefined) throw new Error("the service reports nothing about voice_events")
  return found.message_count
}
