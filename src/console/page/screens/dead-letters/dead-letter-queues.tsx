import { useState } from "preact/hooks"
import { whole } from "../../format/numbers.ts"
import { PAGE_SIZE, Pages } from "../../parts/pages.tsx"
import { Empty, Loading } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { useStore } from "../../state/store.ts"

/** The queues that have dead letters, those with the most first. */
export function DeadLetterQueues() {
  const { snapshot } = useStore(overview)
  const [page, setPage] = useState(0)
  const queues = (snapshot?.queues ?? [])
    .filter(({ dead_letters: dead }) => dead > 0)
    .toSorted((a, b) => b.dead_letters - a.dead_letters)
  return (
    <>
      <div class="heading">
        <h1>Dead letters</h1>
      </div>
      {snapshot === null ? (
        <Loading what="the queues" />
      ) : queues.length === 0 ? (
        <Empty title="There are no dead letters.">
          An event becomes one when its last attempt fails, or when it can't be handled at all.
        </Empty>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col" class="number">
                Dead letters
              </th>
              <th scope="col" class="number">
                Waiting
              </th>
            </tr>
          </thead>
          <tbody>
            {queues
              .slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)
              .map(({ name, dead_letters: dead, waiting }) => (
                <tr key={name}>
                  <td>
                    <a class="mono" data-row href={hrefOf(["dead-letters", name])}>
                      {name}
                    </a>
                  </td>
                  <td class="number">{whole(dead)}</td>
                  <td class="number">{whole(waiting)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
      <Pages page={page} count={queues.length} noun="queue" onPage={setPage} />
    </>
  )
}
