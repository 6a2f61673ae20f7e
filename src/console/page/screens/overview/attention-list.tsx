import type { Check, Overview, Queue } from "../../api/answers.ts"
import { counted } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Empty } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { concernsOf, urgencyOf } from "../queues/attention.ts"

/** Queues that are named; the others are counted. */
const MAX_QUEUES = 8

/** Checks that the queues below do not explain. */
const OWN_CHECKS = ["engine", "pool", "modules"] as const

/** Lists what is wrong, the worst first. */
export function Attention({ snapshot: { health, queues } }: { snapshot: Overview }) {
  const faulty = OWN_CHECKS.filter((name) => health.checks[name].status !== "up")
  const urgent = queues
    .filter((queue) => urgencyOf(queue) > 0)
    .toSorted((a, b) => urgencyOf(b) - urgencyOf(a))
  if (faulty.length === 0 && urgent.length === 0) {
    return (
      <Empty title="Nothing needs attention.">Every queue is consumed, and there are no dead letters.</Empty>
    )
  }
  const more = urgent.length - MAX_QUEUES
  return (
    <ul class="concerns">
      {faulty.map((name) => (
        <CheckConcern key={name} name={name} check={health.checks[name]} />
      ))}
      {urgent.slice(0, MAX_QUEUES).map((queue) => (
        <QueueConcern key={queue.name} queue={queue} />
      ))}
      {more > 0 && (
        <li>
          <a href={hrefOf(["queues"])}>{counted(more, "more queue")}</a>
        </li>
      )}
    </ul>
  )
}

const CheckConcern = ({ name, check }: { name: string; check: Check }) => (
  <li>
    <p>
      <a href={hrefOf(name === "modules" ? ["modules"] : [])}>{name}</a>{" "}
      <Badge tone={check.status === "down" ? "bad" : "warning"}>{check.status}</Badge>
    </p>
    <p class="muted">{check.detail}</p>
  </li>
)

function QueueConcern({ queue }: { queue: Queue }) {
  const concerns = concernsOf(queue)
  return (
    <li>
      <p>
        <a class="mono" data-row href={hrefOf(["queues", queue.name])}>
          {queue.name}
        </a>{" "}
        {concerns.map(({ badge, tone }) => (
          <Badge key={badge} tone={tone}>
            {badge}
          </Badge>
        ))}
      </p>
      {concerns.map(({ badge, meaning }) => (
        <p key={badge} class="muted">
          {meaning}
        </p>
      ))}
      {queue.dead_letters > 0 && (
        <p class="muted">
          <a href={hrefOf(["dead-letters", queue.name])}>{counted(queue.dead_letters, "dead letter")}</a>
        </p>
      )}
    </li>
  )
}
