import { whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Empty, Failed, Loading } from "../../parts/states.tsx"
import { now } from "../../state/clock.ts"
import { limitOf, mayDo } from "../../state/session.ts"
import type { ChangeKind } from "./bulk-count.ts"
import { askForBulk } from "./bulk-dialog.tsx"
import { describeFilter, filterOf, selectionOf, selectionOfGroup } from "./filter.ts"
import { GroupTable } from "./group-table.tsx"
import type { Group } from "./grouping.ts"
import { LetterFilters } from "./letter-filters.tsx"
import { periodOf } from "./periods.ts"
import { QueueFaults } from "./queue-faults.tsx"
import { useGroups } from "./use-groups.ts"
import { type Letters, unreadOf, useLetters } from "./use-letters.ts"

export interface LetterGroupsProps {
  /** Returns the queues whose dead letters are shown, as they are when the page begins to read. */
  readonly queues: () => readonly string[]
  /** Changes when the page has to read again. */
  readonly of: string
  /** Dead letters that these queues have. */
  readonly count: number
  readonly query: URLSearchParams
  /** Stands in the place of the groups if there is no dead letter. */
  readonly emptyTitle: string
}

/** The dead letters of some queues by reason and error, and what can be done with all that the filter shows. */
export function LetterGroups({ queues, of, count, query, emptyTitle }: LetterGroupsProps) {
  const filter = filterOf(query)
  const read = useLetters(
    () => ({ queues: queues(), period: periodOf(filter, new Date(now() * 1_000)) }),
    `${of} ${filter.period} ${filter.since} ${filter.until}`,
  )
  const shown = useGroups(read, filter)
  const { reading } = read
  const { period } = reading
  const isFiltered = filter.period !== "all"
  const faults = reading.queues.flatMap(({ queue, fault }) => (fault === null ? [] : { queue, fault }))
  if (read.count === 0 && !isFiltered) {
    if (read.isReading) return <Loading what="dead letters" />
    const [first] = faults
    if (reading.queues.length === 1 && first !== undefined) {
      return <Failed fault={first.fault} onRetry={read.again} />
    }
    if (first === undefined) {
      return (
        <Empty title={emptyTitle}>
          An event becomes one when its last attempt fails, or when it can't be handled at all.{" "}
          {count > 0 && <Button onClick={read.again}>Read again</Button>}
        </Empty>
      )
    }
  }
  /** Queues that may have some of those: the ones where the page saw some, or has not seen all. */
  const queuesWith = (seen: ReadonlyMap<string, number>): readonly string[] =>
    reading.queues.filter(({ queue, isWhole }) => seen.has(queue) || !isWhole).map(({ queue }) => queue)
  const what = describeFilter(filter, period)
  const askForAll = (kind: ChangeKind): void =>
    askForBulk({
      kind,
      queues: queuesWith(shown.queues),
      selection: selectionOf(filter, period),
      what,
      onChanged: read.again,
    })
  const askForGroup = (kind: ChangeKind, group: Group): void =>
    askForBulk({
      kind,
      queues: queuesWith(group.queues),
      selection: selectionOfGroup(filter, period, group),
      what: [`with the error “${group.error || group.reason}”`, what]
        .filter((part) => part !== "")
        .join(", "),
      onChanged: read.again,
    })
  const mayMatch = shown.shown > 0 || (!read.isReading && unreadOf(reading).length > 0)
  return (
    <>
      <LetterFilters filter={filter} reading={reading} />
      <div class="toolbar">
        <Scanned
          read={read}
          count={isFiltered || limitOf() !== null ? null : Math.max(count, read.count)}
          shown={shown.shown}
        />
        <div class="actions">
          <Button onClick={read.again}>Refresh</Button>
          {mayDo("admin") && (
            <>
              <Button kind="primary" isDisabled={!mayMatch} onClick={() => askForAll("redrive")}>
                Redrive these …
              </Button>
              <Button isDisabled={!mayMatch} onClick={() => askForAll("purge")}>
                Purge these …
              </Button>
            </>
          )}
        </div>
      </div>
      <QueueFaults title="Not read to the end:" faults={faults} />
      {shown.groups.length === 0 ? (
        read.isReading ? (
          <Loading what="dead letters" />
        ) : (
          <Empty title="No dead letter matches." />
        )
      ) : (
        <GroupTable
          groups={shown.groups}
          hidden={shown.hidden}
          isOneQueue={reading.queues.length === 1}
          onChange={askForGroup}
        />
      )}
    </>
  )
}

/** @param count dead letters that there are to read; null if it is not known */
function Scanned({ read, count, shown }: { read: Letters; count: number | null; shown: number }) {
  const isMore = unreadOf(read.reading).length > 0
  const all = count === null ? "" : ` of ${whole(count)}`
  return (
    <p class="muted numeric" role="status">
      {read.isReading
        ? `Reading … ${whole(read.count)}${all}`
        : `${whole(shown)} shown, ${whole(read.count)}${all} read`}{" "}
      {!read.isReading && isMore && (
        <Button kind="quiet" onClick={read.readMore}>
          Read more
        </Button>
      )}
    </p>
  )
}
