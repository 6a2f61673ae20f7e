import { exactTime, relativeTime } from "../format/time.ts"
import { useNow } from "../state/clock.ts"

/** A time as seen from now; the exact one is shown on hover. @param at in seconds since the epoch */
export function Time({ at }: { at: number | null | undefined }) {
  const now = useNow()
  if (at === null || at === undefined) return <span class="muted">–</span>
  return (
    <time class="numeric" dateTime={new Date(at * 1_000).toISOString()} title={exactTime(at)}>
      {relativeTime(at, now)}
    </time>
  )
}
