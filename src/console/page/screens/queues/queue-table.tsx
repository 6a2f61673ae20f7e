import type { Queue } from "../../api/answers.ts"
import { whole } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Sparkline } from "../../parts/sparkline.tsx"
import { hrefOf } from "../../routing.ts"
import { trendOf } from "../../state/overview.ts"
import { mayDo } from "../../state/session.ts"
import { concernsOf } from "./attention.ts"
import { QueueActions } from "./queue-actions.tsx"
import { ageOf } from "./queue-age.ts"

/** Queues, one a row; on a phone, one a card. */
export function QueueTable({ queues }: { queues: readonly Queue[] }) {
  const hasActions = mayDo("admin")
  return (
    <table class="table cards">
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" class="number">
            Waiting
          </th>
          <th scope="col" class="number">
            Running
          </th>
          <th scope="col" class="number">
            Retrying
          </th>
          <th scope="col" class="number">
            Dead
          </th>
          <th scope="col" class="number">
            Oldest
          </th>
          <th scope="col" class="number">
            Consumers
          </th>
          <th scope="col">Trend</th>
          {hasActions && (
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <Row key={queue.name} queue={queue} hasActions={hasActions} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ queue, hasActions }: { queue: Queue; hasActions: boolean }) {
  return (
    <tr>
      <td class="title">
        <a class="mono" data-row href={hrefOf(["queues", queue.name])}>
          {queue.name}
        </a>
        {concernsOf(queue).map(({ badge, tone, meaning }) => (
          <span key={badge} title={meaning}>
            <Badge tone={tone}>{badge}</Badge>
          </span>
        ))}
      </td>
      <td class="number" data-label="Waiting">
        {whole(queue.waiting)}
      </td>
      <td class="number" data-label="Running">
        {whole(queue.running)}
      </td>
      <td class="number" data-label="Retrying">
        {count(queue.retrying)}
      </td>
      <td class="number" data-label="Dead">
        {queue.dead_letters === 0 ? (
          "0"
        ) : (
          <a class="bad" href={hrefOf(["dead-letters", queue.name])}>
            {whole(queue.dead_letters)}
          </a>
        )}
      </td>
      <td class="number" data-label="Oldest">
        {ageOf(queue)}
      </td>
      <td class="number" data-label="Consumers">
        {whole(queue.consumers)}
      </td>
      <td class="trend" data-label="Trend">
        <Sparkline values={trendOf(queue.name)} />
      </td>
      {hasActions && (
        <td class="row-actions">
          <QueueActions queue={queue} />
        </td>
      )}
    </tr>
  )
}

const count = (value: number | null | undefined) =>
  value === null || value === undefined ? <span class="muted">–</span> : whole(value)
