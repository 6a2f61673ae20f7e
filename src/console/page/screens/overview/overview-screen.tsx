import type { Overview } from "../../api/answers.ts"
import { rate, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Button } from "../../parts/button.tsx"
import { Facts, Figure } from "../../parts/facts.tsx"
import { Loading } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { openPublish } from "../../publishing/publish-dialog.tsx"
import { hrefOf } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { mayDo } from "../../state/session.ts"
import { useStore } from "../../state/store.ts"
import { Attention } from "./attention-list.tsx"
import { ChartLegend, ThroughputChart } from "./throughput-chart.tsx"

/** Steps that a current rate is the average of. */
const RATE_STEPS = 6

export function OverviewScreen() {
  const { snapshot } = useStore(overview)
  return (
    <>
      <div class="heading">
        <h1>Overview</h1>
        {snapshot !== null && <HealthBadge snapshot={snapshot} />}
        <div class="actions">
          {mayDo("publish") && (
            <Button kind="primary" onClick={() => openPublish(null)}>
              Publish an event
            </Button>
          )}
        </div>
      </div>
      {snapshot === null ? <Loading what="the overview" /> : <Loaded snapshot={snapshot} />}
    </>
  )
}

const HEALTH_TONES: Readonly<Record<string, Tone>> = { ready: "good", degraded: "warning" }

const HealthBadge = ({ snapshot: { health } }: { snapshot: Overview }) => (
  <Badge tone={HEALTH_TONES[health.status] ?? "bad"}>{health.status}</Badge>
)

function Loaded({ snapshot }: { snapshot: Overview }) {
  const { throughput, queues, health, modules } = snapshot
  const sum = (read: (queue: (typeof queues)[number]) => number) =>
    queues.reduce((total, each) => total + read(each), 0)
  const now = (counts: readonly number[]) => {
    const last = counts.slice(-RATE_STEPS)
    const seconds = Math.max(1, last.length * throughput.step_seconds)
    return `${rate(last.reduce((total, each) => total + each, 0) / seconds)}/s`
  }
  const dead = sum((queue) => queue.dead_letters)
  return (
    <>
      <dl class="figures">
        <Figure name="Published" value={now(throughput.published)} />
        <Figure name="Handled" value={now(throughput.handled)} />
        <Figure name="Failed" value={now(throughput.failed)} />
        <Figure name="Waiting" value={whole(sum((queue) => queue.waiting))} />
        <Figure name="Running" value={whole(sum((queue) => queue.running))} />
        <Figure name="Dead letters" value={whole(dead)} {...(dead > 0 && { tone: "bad" as const })} />
      </dl>
      <section class="panel" aria-labelledby="throughput">
        <div class="heading">
          <h2 id="throughput">Events per second, at most the last hour</h2>
          <ChartLegend />
        </div>
        <ThroughputChart throughput={throughput} />
      </section>
      <div class="columns">
        <section class="panel" aria-labelledby="attention">
          <h2 id="attention">Needs attention</h2>
          <Attention snapshot={snapshot} />
        </section>
        <section class="panel" aria-labelledby="service">
          <h2 id="service">This instance</h2>
          <Facts
            facts={[
              ["Version", health.version],
              ["Engine", health.engine],
              ...instancesIn(snapshot),
              ["Up for", lengthOf(health.uptime_seconds)],
              ["Workers", health.checks.pool.detail ?? health.checks.pool.status],
              ["Consumers", health.checks.consumers.detail ?? health.checks.consumers.status],
              [
                "Generation",
                <a key="generation" class="mono" href={hrefOf(["modules"])}>
                  {modules.generation}
                </a>,
              ],
              ["In use since", <Time key="since" at={modules.since} />],
            ]}
          />
        </section>
      </div>
    </>
  )
}

/** On RabbitMQ others may share the queues. Nothing is shown if RabbitMQ does not count them. */
function instancesIn({ instances, health: { engine } }: Overview): readonly (readonly [string, string])[] {
  if (instances === undefined || instances === null) return []
  const which =
    engine === "embedded" ? "1, as always on this engine" : `${whole(instances)} connected to RabbitMQ`
  return [["Instances", which]]
}
