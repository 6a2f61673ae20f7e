import { NoHistory } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { hasHistory } from "../../state/session.ts"
import { History } from "./history.tsx"
import { Live } from "./live.tsx"

/** Events as they are stored, or as the history has them. The address has the view and the search. */
export function EventsScreen({ query }: { query: URLSearchParams }) {
  const search = query.get("q") ?? ""
  const isHistory = query.get("view") === "history" || search !== ""
  const history = hasHistory() ? <History search={search} /> : <NoHistory />
  const view = isHistory ? history : <Live />
  return (
    <>
      <div class="heading">
        <h1>Events</h1>
        <nav class="tabs" aria-label="View">
          <a href={hrefOf(["events"])} aria-current={isHistory ? undefined : "true"}>
            Live
          </a>
          <a href={hrefOf(["events"], { view: "history" })} aria-current={isHistory ? "true" : undefined}>
            History
          </a>
        </nav>
      </div>
      {view}
    </>
  )
}
