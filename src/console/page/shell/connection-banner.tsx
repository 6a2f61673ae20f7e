import { lengthOf } from "../format/time.ts"
import { useNow } from "../state/clock.ts"
import { overview } from "../state/overview.ts"
import { useStore } from "../state/store.ts"

/** Says that what the page shows is no longer current. */
export function ConnectionBanner() {
  const { fault, receivedAt, isReached } = useStore(overview)
  const now = useNow()
  if (fault === null) return null
  const age = receivedAt === 0 ? null : lengthOf(Math.max(1, Math.floor(now - receivedAt / 1_000)))
  return (
    <div class="banner" role="status">
      <strong>{isReached ? "Not current." : "Not connected."}</strong> {fault}{" "}
      {age === null ? "The console asks again." : `What you see is from ${age} ago. The console asks again.`}
    </div>
  )
}
