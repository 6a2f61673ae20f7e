import { useMemo } from "preact/hooks"
import { counted } from "../../format/numbers.ts"
import { Empty, Loading } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { hasScope, limitOf } from "../../state/session.ts"
import { useStore } from "../../state/store.ts"
import { DeadLetterQueues } from "./dead-letter-queues.tsx"
import { LetterGroups } from "./letter-groups.tsx"
import { NeedsAdmin } from "./needs-admin.tsx"

/** Dead letters of other types are counted in the queue, and not shown to a limited key. */
const ofKey = (): string => (limitOf() === null ? "" : ` of this key's types, ${limitOf()}`)

/** The dead letters of a queue. */
export function QueueDeadLettersScreen({ queue, query }: { queue: string; query: URLSearchParams }) {
  const count = useStore(overview).snapshot?.queues.find(({ name }) => name === queue)?.dead_letters
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["dead-letters"], Object.fromEntries(query))}>Dead letters of all queues</a>
      </p>
      <div class="heading">
        <h1 class="mono">{queue}</h1>
        {count !== undefined && limitOf() === null && (
          <span class="muted numeric">{counted(count, "dead letter")}</span>
        )}
        <div class="actions">
          <a href={hrefOf(["queues", queue])}>The queue</a>
        </div>
      </div>
      {hasScope("admin") ? (
        <LetterGroups
          queues={() => [queue]}
          of={queue}
          count={count ?? 0}
          query={query}
          emptyTitle={`This queue has no dead letters${ofKey()}.`}
        />
      ) : (
        <NeedsAdmin search={`queue:${queue} state:dead`} />
      )}
    </>
  )
}

/** The dead letters of all queues. */
export function DeadLettersScreen({ query }: { query: URLSearchParams }) {
  const { snapshot } = useStore(overview)
  const queues = useMemo(
    () =>
      (snapshot?.queues ?? [])
        .filter(({ dead_letters: dead }) => dead > 0)
        .toSorted((a, b) => b.dead_letters - a.dead_letters),
    [snapshot],
  )
  const count = queues.reduce((sum, { dead_letters: dead }) => sum + dead, 0)
  return (
    <>
      <div class="heading">
        <h1>Dead letters</h1>
        {snapshot !== null && limitOf() === null && (
          <span class="muted numeric">
            {counted(count, "dead letter")} in {counted(queues.length, "queue")}
          </span>
        )}
      </div>
      {snapshot?.is_complete === false && (
        <p class="note">Queues that only other instances declared may be missing.</p>
      )}
      {snapshot === null ? (
        <Loading what="the queues" />
      ) : hasScope("admin") ? (
        <LetterGroups
          queues={() => queues.map(({ name }) => name)}
          of=""
          count={count}
          query={query}
          emptyTitle={`There are no dead letters${ofKey()}.`}
        />
      ) : count === 0 ? (
        <Empty title="There are no dead letters." />
      ) : (
        <NeedsAdmin search="state:dead" />
      )}
      {queues.length > 0 && <DeadLetterQueues queues={queues} query={query} />}
    </>
  )
}
