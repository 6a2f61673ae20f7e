import type { HandlerModule, Queue } from "../../api/answers.ts"
import { counted, percent, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import { Badge } from "../../parts/badge.tsx"
import { Facts, Figure } from "../../parts/facts.tsx"
import { Empty, Loading, Missing, NoHistory } from "../../parts/states.tsx"
import { hrefOf } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { hasHistory, hasScope, limitOf } from "../../state/session.ts"
import { useStore } from "../../state/store.ts"
import { concernsOf, queuedIn } from "./attention.ts"
import { QueueActions } from "./queue-actions.tsx"
import { ageOf } from "./queue-age.ts"
import { QueueEvents } from "./queue-events.tsx"
import { QueueReplays } from "./queue-replays.tsx"

export function QueueScreen({ name }: { name: string }) {
  const { snapshot } = useStore(overview)
  const queue = snapshot?.queues.find((each) => each.name === name)
  if (snapshot === null) {
    return (
      <>
        <h1 class="mono">{name}</h1>
        <Loading what={name} />
      </>
    )
  }
  if (queue === undefined) {
    return (
      <Missing title={`There is no queue ${name}.`}>
        <a href={hrefOf(["queues"])}>All queues</a>
      </Missing>
    )
  }
  const module = snapshot.modules.modules.find((each) => each.queue === name)
  const concerns = concernsOf(queue)
  return (
    <>
      <div class="heading">
        <h1 class="mono">{name}</h1>
        {concerns.map(({ badge, tone }) => (
          <Badge key={badge} tone={tone}>
            {badge}
          </Badge>
        ))}
        <QueueActions queue={queue} isComplete />
      </div>
      {concerns.map(({ badge, meaning }) => (
        <p key={badge} class="note">
          {meaning}
        </p>
      ))}
      <Figures queue={queue} />
      <div class="columns">
        <section class="panel" aria-labelledby="limits">
          <h2 id="limits">Limits and bindings</h2>
          <Facts
            facts={[
              ["Receives", <Patterns key="bindings" patterns={queue.bindings} />],
              [
                "Limit",
                `${counted(queue.max_length, "event")}, ${percent(queuedIn(queue), queue.max_length)} used`,
              ],
              [
                "When full",
                queue.overflow === "reject-publish" ? "rejects new events" : "drops the oldest event",
              ],
              ["Consumers", whole(queue.consumers)],
              ["Oldest waiting", ageOf(queue)],
            ]}
          />
        </section>
        <section class="panel" aria-labelledby="module">
          <h2 id="module">Handler module</h2>
          {module === undefined ? (
            <Empty title="No module of this instance names this queue.">
              {queue.consumers > 0 ? "Another instance consumes it." : "Its events wait."}
            </Empty>
          ) : (
            <ModuleFacts module={module} />
          )}
        </section>
      </div>
      {hasHistory() && hasScope("admin") && limitOf() === null && <QueueReplays queue={name} />}
      {hasHistory() ? <QueueEvents queue={name} deadLetters={queue.dead_letters} /> : <NoHistory />}
    </>
  )
}

const Figures = ({ queue }: { queue: Queue }) => (
  <dl class="figures">
    <Figure name="Waiting" value={whole(queue.waiting)} />
    <Figure name="Running" value={whole(queue.running)} />
    <Figure name="Retrying" value={typeof queue.retrying === "number" ? whole(queue.retrying) : "–"} />
    <Figure
      name="Dead letters"
      value={whole(queue.dead_letters)}
      {...(queue.dead_letters > 0 && { tone: "bad" as const })}
    />
  </dl>
)

function Patterns({ patterns }: { patterns: readonly string[] }) {
  if (patterns.length === 0) return <span class="muted">nothing</span>
  return patterns.map((pattern) => <code key={pattern}>{pattern}</code>)
}

const ModuleFacts = ({ module }: { module: HandlerModule }) => (
  <Facts
    facts={[
      [
        "File",
        <a key="file" class="mono" href={hrefOf(["modules"])}>
          {module.file}
        </a>,
      ],
      ["Functions", <Patterns key="functions" patterns={module.functions} />],
      ["Attempts", whole(module.attempts)],
      ["Timeout", lengthOf(module.timeout_ms / 1_000)],
      ["Concurrency", module.concurrency === null ? "no limit" : whole(module.concurrency)],
      ["Batch", module.batch_size === null ? "one event a call" : counted(module.batch_size, "event")],
    ]}
  />
)
