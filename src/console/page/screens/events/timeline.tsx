import type {
  AttemptLog,
  ErrorSummary,
  EventTimeline,
  StoredEvent,
  TimelineEntry,
} from "../../api/answers.ts"
import { counted } from "../../format/numbers.ts"
import { exactTime, lengthOf } from "../../format/time.ts"
import { Json } from "../../parts/json.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { EventState } from "./event-state.tsx"

/** Shows what became of an event on one queue, step by step. */
export function Timeline({ delivery }: { delivery: EventTimeline }) {
  const { queue, state, timeline, omitted, next_attempt_at: next } = delivery
  const latest = timeline.findLastIndex(({ what }) => what === "attempt")
  return (
    <section class="panel" aria-label={`On ${queue}`}>
      <div class="heading">
        <h2>
          On{" "}
          <a class="mono" href={hrefOf(["queues", queue])}>
            {queue}
          </a>
        </h2>
        <EventState state={state} />
        <span class="muted">
          {counted(delivery.attempts, "attempt")}
          {next !== null && (
            <>
              , the next one <Time at={next} />
            </>
          )}
        </span>
      </div>
      <ol class="timeline">
        {timeline.map((entry, index) => (
          <Entry
            key={`${index} ${entry.what}`}
            queue={queue}
            entry={entry}
            before={timeline[index - 1]}
            isLatest={index === latest}
          />
        ))}
      </ol>
      {omitted > 0 && <p class="muted">{counted(omitted, "entry", "entries")} in the middle are left out.</p>}
    </section>
  )
}

const toneOf = ({ what, outcome }: TimelineEntry): string => {
  if (outcome === "handled") return "good"
  if (outcome === "retry") return "warning"
  return outcome === "dead-letter" || what === "dead-lettered" ? "bad" : ""
}

interface EntryProps {
  readonly queue: string
  readonly entry: TimelineEntry
  readonly before: TimelineEntry | undefined
  /** True for the latest attempt: it says best why the event fails. */
  readonly isLatest: boolean
}

function Entry({ queue, entry, before, isLatest }: EntryProps) {
  const { attempt, outcome, reason, duration_ms: duration, error, module, handler, log } = entry
  const waited = before === undefined ? 0 : (entry.started_at ?? entry.at) - before.at
  return (
    <li class={toneOf(entry)}>
      <p class="step">
        <strong>{titleOf(entry)}</strong> <Time at={entry.at} />
        {waited >= 0.001 && <span class="muted numeric">after {lengthOf(waited)}</span>}
        {duration !== undefined && <span class="muted numeric">ran {lengthOf(duration / 1_000)}</span>}
        {reason && <span class="bad">{reason}</span>}
      </p>
      {module !== undefined && (
        <p class="muted mono">
          {module} · {handler}
        </p>
      )}
      {error && <Failure error={error} label={`Stack of attempt ${attempt ?? 0} on ${queue}`} />}
      {entry.is_edited && <Edited event={entry.edited_event ?? null} />}
      {log && (
        <Log
          log={log}
          since={entry.started_at ?? entry.at}
          label={`Log of attempt ${attempt ?? 0} on ${queue}`}
          isOpen={isLatest && outcome !== "handled"}
        />
      )}
    </li>
  )
}

function titleOf({ what, attempt, outcome, is_edited: isEdited }: TimelineEntry): string {
  if (what === "attempt") return `Attempt ${attempt}: ${outcome}`
  return isEdited ? `${what}, edited` : what
}

function Edited({ event }: { event: StoredEvent | null }) {
  if (event === null) return <p class="muted">The edited event is too long to be kept here.</p>
  return (
    <details>
      <summary>The edited payload</summary>
      <Json value={event.payload} label="The edited payload as JSON" />
    </details>
  )
}

function Failure({ error: { name, message, stack }, label }: { error: ErrorSummary; label: string }) {
  const text = `${name}: ${message}`
  if (stack === undefined) return <p>{text}</p>
  return (
    <details>
      <summary>{text}</summary>
      <Json value={stack} label={label} />
    </details>
  )
}

interface LogProps {
  readonly log: AttemptLog
  /** When the attempt began: each line tells how long after that it was written. */
  readonly since: number
  readonly label: string
  readonly isOpen: boolean
}

function Log({ log: { lines, omitted }, since, label, isOpen }: LogProps) {
  const left = omitted > 0 ? `, ${counted(omitted, "earlier one")} left out` : ""
  return (
    <details open={isOpen}>
      <summary>
        Log: {counted(lines.length, "line")}
        {left}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls has to be reachable by keyboard */}
      <ol class="log mono" aria-label={label} tabIndex={0}>
        {lines.map(({ at, level, text }, index) => (
          <li key={`${index} ${at}`} class={toneOfLevel(level)}>
            <time class="numeric" dateTime={new Date(at * 1_000).toISOString()} title={exactTime(at)}>
              {offsetOf(at - since)}
            </time>
            <span class="level">{level}</span>
            <span class="text">{text}</span>
          </li>
        ))}
      </ol>
    </details>
  )
}

/** Clocks of threads differ by parts of a millisecond. */
const offsetOf = (seconds: number): string => (seconds < 0.001 ? "+0 ms" : `+${lengthOf(seconds)}`)

const toneOfLevel = (level: string): string => (level === "error" ? "bad" : level === "warn" ? "warning" : "")
