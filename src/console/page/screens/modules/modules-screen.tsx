import { useEffect, useState } from "preact/hooks"
import type { HandlerModule, ModuleSet } from "../../api/answers.ts"
import { readMetrics, reloadModules, showModules } from "../../api/calls.ts"
import { counted, rate, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import { Button } from "../../parts/button.tsx"
import { Confirm } from "../../parts/confirm.tsx"
import { Facts } from "../../parts/facts.tsx"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { mayDo } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { type FunctionMetrics, functionMetrics, metricOf } from "./metrics-text.ts"
import { Rejected } from "./rejected.tsx"

/** How often the metrics are read, in milliseconds. */
const READ_MS = 5_000

export function ModulesScreen() {
  const { answer, fault, again } = useAnswer(showModules, "modules")
  const metrics = useMetrics()
  const [isAsked, setAsked] = useState(false)
  const reload = async (): Promise<void> => {
    try {
      const { generation, is_changed: isChanged } = await reloadModules()
      say(isChanged ? `Generation ${generation} is in use.` : "The files have not changed.")
    } finally {
      again()
    }
  }
  return (
    <>
      <div class="heading">
        <h1>Modules</h1>
        <div class="actions">
          {mayDo("admin") && (
            <Button kind="primary" onClick={() => setAsked(true)}>
              Reload
            </Button>
          )}
        </div>
      </div>
      {isAsked && (
        <Confirm
          title="Reload the handler modules"
          action="Reload"
          onConfirm={reload}
          onClose={() => setAsked(false)}
        >
          <p>
            All workers of this instance take the files into use as they are now. Functions that run end with
            the code that they began with. If a module can't be used, nothing changes.
          </p>
        </Confirm>
      )}
      {fault !== null && <Failed fault={fault} onRetry={again} />}
      {answer === null ? (
        fault === null && <Loading what="the modules" />
      ) : (
        <Known set={answer} metrics={metrics} />
      )}
    </>
  )
}

/** Reads the metrics again and again while the screen is open; null until they have come. */
function useMetrics(): string | null {
  const [round, setRound] = useState(0)
  const { answer } = useAnswer(readMetrics, "metrics")
  const [latest, setLatest] = useState<string | null>(null)
  useEffect(() => {
    const ending = new AbortController()
    const timer = setTimeout(() => {
      readMetrics(ending.signal)
        .then(setLatest)
        // The banner tells of a lost connection; the last values stay.
        .catch(() => undefined)
        .finally(() => !ending.signal.aborted && setRound(round + 1))
    }, READ_MS)
    return () => {
      clearTimeout(timer)
      ending.abort()
    }
  }, [round])
  return latest ?? answer
}

function Known({ set, metrics }: { set: ModuleSet; metrics: string | null }) {
  const functions = metrics === null ? [] : functionMetrics(metrics)
  return (
    <>
      {set.rejected !== null && <Rejected rejected={set.rejected} />}
      <Facts
        facts={[
          ["Generation", <code key="generation">{set.generation}</code>],
          ["In use since", <Time key="since" at={set.since} />],
          ["Workers", metrics === null ? "…" : workersIn(metrics)],
          ["Memory", metrics === null ? "…" : bytesIn(metrics)],
        ]}
      />
      {set.modules.length === 0 ? (
        <Empty title="This instance has no handler modules.">
          Put a file into HANDLERS_DIR and reload. Events wait in their queues meanwhile.
        </Empty>
      ) : (
        set.modules.map((module) => (
          <ModulePanel
            key={module.file}
            module={module}
            functions={functions.filter(({ queue }) => queue === module.queue)}
          />
        ))
      )}
    </>
  )
}

function workersIn(metrics: string): string {
  const [ready, expected] = [
    metricOf(metrics, "event_broker_workers_ready"),
    metricOf(metrics, "event_broker_workers_expected"),
  ]
  return `${ready ?? "?"} of ${expected ?? "?"}`
}

function bytesIn(metrics: string): string {
  const bytes = metricOf(metrics, "process_resident_memory_bytes")
  return bytes === null ? "unknown" : `${whole(bytes / 1_048_576)} MiB`
}

function ModulePanel({
  module,
  functions,
}: {
  module: HandlerModule
  functions: readonly FunctionMetrics[]
}) {
  return (
    <section class="panel" aria-label={module.file}>
      <div class="heading">
        <h2 class="mono">{module.file}</h2>
        <span class="muted">
          <a class="mono" data-row href={hrefOf(["queues", module.queue])}>
            {module.queue}
          </a>
          {` · ${counted(module.attempts, "attempt")} · ${lengthOf(module.timeout_ms / 1_000)} timeout`}
          {module.concurrency !== null && ` · ${whole(module.concurrency)} at a time`}
          {module.batch_size !== null && ` · batches of ${whole(module.batch_size)}`}
        </span>
      </div>
      <table class="table cards">
        <thead>
          <tr>
            <th scope="col">Function</th>
            <th scope="col" class="number">
              Calls
            </th>
            <th scope="col" class="number">
              Failures
            </th>
            <th scope="col" class="number">
              p50
            </th>
            <th scope="col" class="number">
              p99
            </th>
            <th scope="col" class="number">
              CPU
            </th>
          </tr>
        </thead>
        <tbody>
          {module.functions.map((name) => (
            <FunctionRow key={name} name={name} metrics={functions.find(({ handler }) => handler === name)} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function FunctionRow({ name, metrics }: { name: string; metrics: FunctionMetrics | undefined }) {
  const { calls = 0, failures = 0, p50 = 0, p99 = 0, cpuSeconds = null } = metrics ?? {}
  return (
    <tr>
      <td class="title mono">{name}</td>
      <td class="number" data-label="Calls">
        {whole(calls)}
      </td>
      <td class={failures > 0 ? "number bad" : "number"} data-label="Failures">
        {whole(failures)}
      </td>
      <td class="number" data-label="p50">
        {calls === 0 ? "–" : boundOf(p50)}
      </td>
      <td class="number" data-label="p99">
        {calls === 0 ? "–" : boundOf(p99)}
      </td>
      <td class="number" data-label="CPU">
        {cpuSeconds === null ? "–" : `${rate(cpuSeconds)} s`}
      </td>
    </tr>
  )
}

/** The metrics know a duration by the bucket that it fell into. */
const boundOf = (seconds: number): string => (Number.isFinite(seconds) ? `≤ ${lengthOf(seconds)}` : "> 5 min")
