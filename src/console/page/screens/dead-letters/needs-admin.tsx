import { Empty } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { hasHistory } from "../../state/session.ts"

/** Stands in the place of dead letters that the key may not see. @param search finds their events in the history */
export const NeedsAdmin = ({ search }: { search: string }) => (
  <Empty title="This key does not show dead letters.">
    They can be moved and deleted, so they need the scope <code>admin</code>.{" "}
    {hasHistory() && (
      <a href={hrefOf(["events"], { view: "history", q: search })}>
        The history shows these events, with their errors.
      </a>
    )}
  </Empty>
)
