import { useState } from "preact/hooks"
import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { mayDo } from "../../state/session.ts"
import type { ChangeKind } from "./bulk-count.ts"
import type { Group } from "./grouping.ts"
import { type Letter, titleOf } from "./letters.ts"

/** Dead letters of a group that are named at first, and how many more each time. */
const FIRST_LETTERS = 10
const MORE_LETTERS = 50

/** Queues of a group that are named. */
const MAX_QUEUES = 3

export interface GroupTableProps {
  /** The largest groups. */
  readonly groups: readonly Group[]
  /** Number of groups that are not shown. */
  readonly hidden: number
  /** True if all of them are of one queue, which is named elsewhere. */
  readonly isOneQueue: boolean
  readonly onChange: (kind: ChangeKind, group: Group) => void
}

export const GroupTable = ({ groups, hidden, ...rest }: GroupTableProps) => (
  <>
    <ul class="groups">
      {groups.map((group) => (
        <GroupItem key={`${group.reason} ${group.error}`} group={group} {...rest} />
      ))}
    </ul>
    {hidden > 0 && <p class="muted">{counted(hidden, "smaller group")} not shown: filter to see them.</p>}
  </>
)

interface GroupItemProps extends Pick<GroupTableProps, "isOneQueue" | "onChange"> {
  readonly group: Group
}

function GroupItem({ group, isOneQueue, onChange }: GroupItemProps) {
  const { letters, reason, error } = group
  const [most, setMost] = useState(FIRST_LETTERS)
  const named = `${counted(letters.length, "dead letter")}: ${error || reason}`
  return (
    <li class="group">
      <div class="group-head">
        <span class="group-count numeric">{whole(letters.length)}</span>
        <div class="group-text">
          <p>
            <strong>{reason}</strong>
          </p>
          {error !== "" && (
            <p class="mono error" title={error}>
              {error}
            </p>
          )}
          <p class="muted">
            first <Time at={group.first} />, last <Time at={group.last} />
          </p>
          {!isOneQueue && <GroupQueues group={group} />}
        </div>
        {mayDo("admin") && (
          <div class="actions">
            <Button label={`Redrive ${named}`} onClick={() => onChange("redrive", group)}>
              Redrive …
            </Button>
            <Button label={`Purge ${named}`} onClick={() => onChange("purge", group)}>
              Purge …
            </Button>
          </div>
        )}
      </div>
      <details>
        <summary>
          {letters.length <= most
            ? counted(letters.length, "event")
            : isOneQueue
              ? `The oldest ${most} events`
              : `${most} of the events`}
        </summary>
        <ul class="letters">
          {letters.slice(0, most).map((letter, index) => (
            <LetterItem key={letter.id ?? index} letter={letter} isOneQueue={isOneQueue} />
          ))}
        </ul>
        {letters.length > most && (
          <Button kind="quiet" onClick={() => setMost(most + MORE_LETTERS)}>
            More events
          </Button>
        )}
      </details>
    </li>
  )
}

/** The queues of a group, those with the most first, each with its number. */
function GroupQueues({ group: { queues } }: { group: Group }) {
  const largest = [...queues].toSorted(([, a], [, b]) => b - a)
  const more = largest.length - MAX_QUEUES
  return (
    <p class="muted">
      in{" "}
      {largest.slice(0, MAX_QUEUES).map(([queue, count]) => (
        <span class="delivery" key={queue}>
          <a class="mono" href={hrefOf(["dead-letters", queue])}>
            {queue}
          </a>{" "}
          <span class="numeric">{whole(count)}</span>
        </span>
      ))}
      {more > 0 && `and ${counted(more, "more queue")}`}
    </p>
  )
}

/** An event that was replayed can have two dead letters: the address says which one is meant. */
const failureOf = ({ lastFailedAt }: Letter): Readonly<Record<string, string>> =>
  lastFailedAt === null ? {} : { failed: String(lastFailedAt) }

const LetterItem = ({ letter, isOneQueue }: { letter: Letter; isOneQueue: boolean }) => (
  <li>
    {letter.id === null ? (
      <span class="mono">{titleOf(letter)}</span>
    ) : (
      <a class="mono" data-row href={hrefOf(["dead-letters", letter.queue, letter.id], failureOf(letter))}>
        {titleOf(letter)}
      </a>
    )}
    <span class="id">{letter.id}</span>
    <span class="muted">
      {!isOneQueue && `${letter.queue}, `}
      {counted(letter.attempts, "attempt")}, <Time at={letter.lastFailedAt} />
    </span>
  </li>
)
