import { replaceQuery } from "../../routing.ts"
import { now } from "../../state/clock.ts"
import { describePeriod, type Filter } from "./filter.ts"
import {
  addressTimeOf,
  fieldTimeOf,
  PERIODS,
  type Period,
  type PeriodName,
  periodOf,
  rangeOf,
} from "./periods.ts"
import type { Reading } from "./use-letters.ts"

/** The fields that filter dead letters. The filter is a part of the address. */
export function LetterFilters({ filter, reading }: { filter: Filter; reading: Reading }) {
  return (
    <>
      <div class="toolbar">
        <Choice
          label="Reason"
          value={filter.reason}
          choices={reading.reasons}
          onChoice={(reason) => replaceQuery({ reason })}
        />
        <PeriodChoice filter={filter} />
        <Choice
          label="Event"
          value={filter.name}
          choices={reading.names}
          onChoice={(name) => replaceQuery({ name })}
        />
        <input
          type="search"
          aria-label="Error contains"
          placeholder="Error contains"
          data-search
          value={filter.error}
          onInput={(event) => replaceQuery({ error: event.currentTarget.value })}
        />
      </div>
      {filter.period === "range" && (
        <div class="toolbar">
          <TimeField label="From" name="since" value={filter.since} />
          <TimeField label="To" name="until" value={filter.until} />
        </div>
      )}
      {filter.period === "range" && reading.period === null && (
        <p class="note">No time is given: dead letters of any time are shown, and would be changed.</p>
      )}
      {reading.period !== null && <When period={reading.period} />}
    </>
  )
}

function PeriodChoice({ filter }: { filter: Filter }) {
  const choose = (period: PeriodName): void => {
    const range = rangeOf(periodOf(filter, new Date(now() * 1_000)))
    replaceQuery({ period, ...(period === "range" ? range : { since: "", until: "" }) })
  }
  return (
    <label class="choice">
      <span class="visually-hidden">Failed</span>
      <select value={filter.period} onChange={(event) => choose(event.currentTarget.value as PeriodName)}>
        {Object.entries(PERIODS).map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

const TimeField = ({ label, name, value }: { label: string; name: "since" | "until"; value: string }) => (
  <label class="choice">
    <span class="muted">{label}</span>{" "}
    <input
      type="datetime-local"
      step={1}
      value={fieldTimeOf(value)}
      onChange={(event) => replaceQuery({ [name]: addressTimeOf(event.currentTarget.value) })}
    />
  </label>
)

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

const When = ({ period }: { period: Period }) => (
  <p class="muted numeric" title={`In the time of this browser: ${ZONE}`}>
    Failed last {describePeriod(period)}
  </p>
)

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly choices: ReadonlySet<string>
  readonly onChoice: (choice: string) => void
}

/** A choice of what was read. What the address names is in it, too, even if nothing of it was read. */
const Choice = ({ label, value, choices, onChoice }: ChoiceProps) => (
  <label class="choice">
    <span class="visually-hidden">{label}</span>
    <select value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
      <option value="">{`Any ${label.toLowerCase()}`}</option>
      {[...new Set([...choices, ...(value === "" ? [] : [value])])].toSorted().map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </select>
  </label>
)
