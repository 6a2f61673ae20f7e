import { useState } from "preact/hooks"
import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { hrefOf, replaceQuery } from "../../routing.ts"
import { overview } from "../../state/overview.ts"
import { hasHistory, hasScope, mayDo } from "../../state/session.ts"
import { useStore } from "../../state/store.ts"
import type { ChangeKind } from "./bulk-change.ts"
import { type Asked, BulkDialog } from "./bulk-dialog.tsx"
import { type Filter, filterOf, selectionOf, selectionOfGroup } from "./filter.ts"
import { GroupTable } from "./group-table.tsx"
import { PERIOD_WORDS, PERIODS } from "./periods.ts"
import { useGroups } from "./use-groups.ts"
import { type Letters, type Reading, useLetters } from "./use-letters.ts"

export function DeadLettersScreen({ queue, query }: { queue: string; query: URLSearchParams }) {
  const count = useStore(overview).snapshot?.queues.find(({ name }) => name === queue)?.dead_letters
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["dead-letters"])}>Dead letters</a>
      </p>
      <div class="heading">
        <h1 class="mono">{queue}</h1>
        {count !== undefined && <span class="muted numeric">{counted(count, "dead letter")}</span>}
        <div class="actions">
          <a href={hrefOf(["queues", queue])}>The queue</a>
        </div>
      </div>
      {hasScope("admin") ? (
        <Groups queue={queue} count={count ?? 0} query={query} />
      ) : (
        <Empty title="This key does not show dead letters.">
          They can be moved and deleted, so they need the scope <code>admin</code>.{" "}
          {hasHistory() && (
            <a href={hrefOf(["events"], { view: "history", q: `queue:${queue} state:dead` })}>
              The history shows these events, with their errors.
            </a>
          )}
        </Empty>
      )}
    </>
  )
}

function Groups({ queue, count, query }: { queue: string; count: number; query: URLSearchParams }) {
  const read = useLetters(queue)
  const filter = filterOf(query)
  const { groups, hidden, shown } = useGroups(read, filter)
  const [asked, setAsked] = useState<Asked | null>(null)
  if (read.count === 0) {
    if (read.fault !== null) return <Failed fault={read.fault} onRetry={read.again} />
    if (read.isReading) return <Loading what="dead letters" />
    return <Empty title="This queue has no dead letters." />
  }
  const ask = (kind: ChangeKind): void =>
    setAsked({ kind, queue, selection: selectionOf(filter), what: describe(filter) })
  return (
    <>
      <Filters filter={filter} reading={read.reading} />
      <div class="toolbar">
        <Scanned read={read} count={Math.max(count, read.count)} shown={shown} />
        <div class="actions">
          <Button onClick={read.again}>Refresh</Button>
          {mayDo("admin") && (
            <>
              <Button kind="primary" isDisabled={shown === 0} onClick={() => ask("redrive")}>
                Redrive these …
              </Button>
              <Button isDisabled={shown === 0} onClick={() => ask("purge")}>
                Purge these …
              </Button>
            </>
          )}
        </div>
      </div>
      {groups.length === 0 ? (
        <Empty title="No dead letter matches." />
      ) : (
        <GroupTable
          queue={queue}
          groups={groups}
          hidden={hidden}
          onChange={(kind, group) =>
            setAsked({
              kind,
              queue,
              selection: selectionOfGroup(filter, group),
              what: [`with the error “${group.error || group.reason}”`, describe(filter)]
                .filter((part) => part !== "")
                .join(", "),
            })
          }
        />
      )}
      {asked !== null && (
        <BulkDialog
          asked={asked}
          onClose={(isChanged) => {
            setAsked(null)
            if (isChanged) read.again()
          }}
        />
      )}
    </>
  )
}

function Scanned({ read, count, shown }: { read: Letters; count: number; shown: number }) {
  return (
    <p class="muted numeric" role="status">
      {read.isReading
        ? `Reading … ${whole(read.count)} of ${whole(count)}`
        : `${whole(shown)} shown, ${whole(read.count)} of ${whole(count)} read`}{" "}
      {read.fault !== null && <span class="bad">{read.fault}</span>}
      {!read.isReading && read.reading.cursor !== null && (
        <Button kind="quiet" onClick={read.readMore}>
          Read more
        </Button>
      )}
    </p>
  )
}

function Filters({ filter, reading }: { filter: Filter; reading: Reading }) {
  const reasons = [...reading.reasons].toSorted()
  const names = [...reading.names].toSorted()
  return (
    <div class="toolbar">
      <Choice
        label="Reason"
        value={filter.reason}
        choices={reasons}
        onChoice={(reason) => replaceQuery({ reason })}
      />
      <Choice label="Event" value={filter.name} choices={names} onChoice={(name) => replaceQuery({ name })} />
      <label class="choice">
        <span class="visually-hidden">Failed</span>
        <select
          value={filter.period}
          onChange={(event) => replaceQuery({ period: event.currentTarget.value })}
        >
          {Object.entries(PERIODS).map(([id, text]) => (
            <option key={id} value={id}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <input
        type="search"
        aria-label="Error contains"
        placeholder="Error contains"
        data-search
        value={filter.error}
        onInput={(event) => replaceQuery({ error: event.currentTarget.value })}
      />
    </div>
  )
}

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly choices: readonly string[]
  readonly onChoice: (choice: string) => void
}

const Choice = ({ label, value, choices, onChoice }: ChoiceProps) => (
  <label class="choice">
    <span class="visually-hidden">{label}</span>
    <select value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
      <option value="">{`Any ${label.toLowerCase()}`}</option>
      {choices.map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </select>
  </label>
)

/** Says in words what the filter selects. */
function describe({ reason, name, error, period }: Filter): string {
  const parts = [
    reason === "" ? null : `with the reason ${reason}`,
    name === "" ? null : `of events ${name}`,
    error === "" ? null : `whose error contains “${error}”`,
    period === "all" ? null : `that failed ${PERIOD_WORDS[period]}`,
  ].filter((part) => part !== null)
  return parts.join(", ")
}
