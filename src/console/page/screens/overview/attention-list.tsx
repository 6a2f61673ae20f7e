import type { Check, Overview, Queue } from "../../api/answers.ts"
import { counted, whole } from "../../format/numbers.ts"
import { Badge } from "../../parts/badge.tsx"
import { Empty } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { CONCERNS, type ConcernKind, concernsOf, urgencyOf } from "../queues/attention.ts"

/** Lines of the list; the queues of the others are counted. */
const MAX_LINES = 8

/** Queues with the same trouble that have a line each; more share one. */
const MAX_SAME = 8

/** Queues that a shared line names. */
const MAX_NAMED = 3

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
  const lines = linesOf(urgent)
  const more = lines.slice(MAX_LINES).reduce((sum, { queues: each }) => sum + each.length, 0)
  return (
    <ul class="concerns">
      {faulty.map((name) => (
        <CheckConcern key={name} name={name} check={health.checks[name]} />
      ))}
      {lines
        .slice(0, MAX_LINES)
        .map(({ kind, queues: each }) =>
          each.length === 1 ? (
            each.map((queue) => <QueueConcern key={queue.name} queue={queue} />)
          ) : (
            <SameConcern key={`all ${kind}`} kind={kind} queues={each} />
          ),
        )}
      {more > 0 && (
        <li>
          <a href={hrefOf(["queues"])}>{counted(more, "more queue")}</a>
        </li>
      )}
    </ul>
  )
}

type LineKind = ConcernKind | "dead"

interface Line {
  /** The worst concern of the queues, or that they have dead letters. */
  readonly kind: LineKind
  readonly queues: readonly Queue[]
}

/** Returns a line for each queue, and one for all with the same trouble if they are many. @param urgent the worst first */
function linesOf(urgent: readonly Queue[]): readonly Line[] {
  const kinds = Map.groupBy(urgent, (queue): LineKind => concernsOf(queue)[0]?.kind ?? "dead")
  return [...kinds].flatMap(([kind, queues]) =>
    queues.length > MAX_SAME ? [{ kind, queues }] : queues.map((queue) => ({ kind, queues: [queue] })),
  )
}

/** Many queues with the same trouble: the first of them, and the way to all. */
function SameConcern({ kind, queues }: Line) {
  const sum = (read: (queue: Queue) => number): number => queues.reduce((all, each) => all + read(each), 0)
  const [first] = queues
  const concern = first && concernsOf(first)[0]
  const waiting = sum((queue) => queue.waiting)
  const dead = sum((queue) => queue.dead_letters)
  return (
    <li>
      <p>
        <a data-row href={hrefOf(["queues"], { only: kind })}>
          {counted(queues.length, "queue")}
        </a>{" "}
        {concern !== undefined && <Badge tone={concern.tone}>{CONCERNS[concern.kind].toLowerCase()}</Badge>}
      </p>
      <p class="muted">
        {queues.slice(0, MAX_NAMED).map(({ name }) => (
          <span class="delivery" key={name}>
            <a class="mono" href={hrefOf(["queues", name])}>
              {name}
            </a>
          </span>
        ))}
        and {whole(queues.length - MAX_NAMED)} more: {counted(waiting, "waiting event")}
        {dead > 0 && (
          <>
            , <a href={hrefOf(["dead-letters"])}>{counted(dead, "dead letter")}</a>
          </>
        )}
      </p>
    </li>
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
