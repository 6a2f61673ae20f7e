import { useState } from "preact/hooks"
import type { HandlerModule, RunningModules } from "../../api/answers.ts"
import { readMetrics, reloadModules, showModules } from "../../api/calls.ts"
import { bytes, counted, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import { Button } from "../../parts/button.tsx"
import { Confirm } from "../../parts/confirm.tsx"
import { Facts } from "../../parts/facts.tsx"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { type Column, Table } from "../../parts/table.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { mayChangeAll } from "../../state/session.ts"
import { say } from "../../state/toasts.ts"
import { useAnswer } from "../../state/use-answer.ts"
import { type FunctionMetrics, functionMetrics, metricOf } from "./metrics-text.ts"
import { Rejected } from "./rejected.tsx"
import { Workers } from "./workers.tsx"

/** How often the workers and the metrics are read, in milliseconds. */
const READ_MS = 5_000

export function ModulesScreen() {
  const { answer, fault, again } = useAnswer(showModules, "modules", READ_MS)
  const { answer: metrics } = useAnswer(readMetrics, "metrics", READ_MS)
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
          {mayChangeAll() && (
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

function Known({ set, metrics }: { set: RunningModules; metrics: string | null }) {
  const functions = metrics === null ? [] : functionMetrics(metrics)
  const { workers = [], worker_memory_limit_bytes: limit } = set
  return (
    <>
      {set.rejected !== null && <Rejected rejected={set.rejected} />}
      <Facts
        facts={[
          ["Generation", <code key="generation">{set.generation}</code>],
          ["In use since", <Time key="since" at={set.since} />],
          ["Memory", metrics === null ? "…" : memoryIn(metrics)],
          ...(limit == null ? [] : [["Worker limit", bytes(limit)] as const]),
        ]}
      />
      {workers.length > 0 && <Workers workers={workers} limit={limit ?? null} generation={set.generation} />}
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

function memoryIn(metrics: string): string {
  const resident = metricOf(metrics, "process_resident_memory_bytes")
  return resident === null ? "unknown" : `${bytes(resident)} in all`
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
      <Table
        items={module.functions.map((name) => ({
          name,
          metrics: functions.find(({ handler }) => handler === name),
        }))}
        keyOf={({ name }) => name}
        columns={COLUMNS}
      />
    </section>
  )
}

/** A function, with what the metrics know of it since the start. */
interface KnownFunction {
  readonly name: string
  readonly metrics: FunctionMetrics | undefined
}

const COLUMNS: readonly Column<KnownFunction>[] = [
  { name: "Function", kind: "title", cell: ({ name }) => <span class="mono">{name}</span> },
  { name: "Calls", kind: "number", cell: ({ metrics }) => whole(metrics?.calls ?? 0) },
  {
    name: "Failures",
    kind: "number",
    cell: ({ metrics }) => whole(metrics?.failures ?? 0),
    tone: ({ metrics }) => (metrics !== undefined && metrics.failures > 0 ? "bad" : undefined),
  },
  { name: "p50", kind: "number", cell: ({ metrics }) => (metrics?.calls ? boundOf(metrics.p50) : "–") },
  { name: "p99", kind: "number", cell: ({ metrics }) => (metrics?.calls ? boundOf(metrics.p99) : "–") },
  {
    name: "CPU",
    kind: "number",
    cell: ({ metrics }) => (metrics?.cpuSeconds == null ? "–" : lengthOf(metrics.cpuSeconds)),
  },
]

/** The metrics know a duration by the bucket that it fell into. */
const boundOf = (seconds: number): string => (Number.isFinite(seconds) ? `≤ ${lengthOf(seconds)}` : "> 5 min")
