import type { WorkerState } from "../../api/answers.ts"
import { bytes, share, whole } from "../../format/numbers.ts"
import { lengthOf } from "../../format/time.ts"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Meter } from "../../parts/meter.tsx"
import { type Column, Table } from "../../parts/table.tsx"

export interface WorkersProps {
  readonly workers: readonly WorkerState[]
  /** Heap above which a worker is replaced, in bytes; null if there is no limit. */
  readonly limit: number | null
  /** The generation in use. */
  readonly generation: string
}

/** The workers of this instance: whether each does its work, and what it takes. */
export const Workers = ({ workers, limit, generation }: WorkersProps) => (
  <section class="panel" aria-labelledby="workers">
    <div class="heading">
      <h2 id="workers">Workers</h2>
      <span class="muted">
        {whole(workers.filter(({ state }) => state === "ready").length)} of{" "}
        {whole(workers.filter(({ place }) => place !== null).length)} ready
      </span>
    </div>
    <Table items={workers} keyOf={keyOf} columns={columnsOf(limit, generation)} />
  </section>
)

const keyOf = ({ place, generation, ready_seconds: age }: WorkerState): string =>
  place === null ? `${generation} ${Math.round(Date.now() / 1_000 - age)}` : String(place)

const TONES: Readonly<Record<WorkerState["state"], Tone>> = {
  ready: "good",
  starting: "neutral",
  waiting: "bad",
  finishing: "neutral",
}

const MEANINGS: Readonly<Record<WorkerState["state"], string>> = {
  ready: "It takes events.",
  starting: "It loads the modules.",
  waiting: "It ended soon after its start, and is started again after a while: the log says why.",
  finishing: "It gets no more events, and ends after those that it has: another worker has its place.",
}

const columnsOf = (limit: number | null, generation: string): readonly Column<WorkerState>[] => [
  {
    name: "Worker",
    kind: "title",
    cell: ({ place, state, is_responding: isResponding }) => (
      <>
        {place === null ? "–" : whole(place)}
        <span title={MEANINGS[state]}>
          <Badge tone={TONES[state]}>{state}</Badge>
        </span>
        {!isResponding && (
          <span title="A function of it does not yield: it runs a loop, or waits without await.">
            <Badge tone="warning">does not yield</Badge>
          </span>
        )}
      </>
    ),
  },
  { name: "Jobs now", kind: "number", cell: ({ jobs }) => whole(jobs) },
  {
    name: "Memory",
    kind: "number",
    cell: ({ memory_bytes: memory }) =>
      memory === null ? (
        "–"
      ) : (
        <>
          {limit !== null && <Meter value={memory} max={limit} label="Memory of its limit" />}
          {bytes(memory)}
        </>
      ),
    tone: ({ memory_bytes: memory }) =>
      limit !== null && memory !== null && memory > limit * NEARLY_FULL ? "warning" : undefined,
  },
  {
    name: "CPU",
    kind: "number",
    cell: ({ cpu_share: cpu, cpu_seconds: seconds }) =>
      cpu === null ? (
        "–"
      ) : (
        <span title={`of one core, over the last ${lengthOf(seconds ?? 0)}`}>{share(cpu)}</span>
      ),
  },
  { name: "Ready for", kind: "number", cell: ({ ready_seconds: age }) => (age === 0 ? "–" : lengthOf(age)) },
  {
    name: "Replaced",
    kind: "number",
    cell: ({ replaced }) => whole(replaced),
    tone: ({ replaced }) => (replaced > 0 ? "warning" : undefined),
  },
  {
    name: "Generation",
    cell: ({ generation: own }) =>
      own === null ? "–" : <span class={own === generation ? "mono" : "mono muted"}>{own}</span>,
  },
]

/** Share of the memory limit above which a worker stands out. */
const NEARLY_FULL = 0.8
