import { counted, whole } from "../../format/numbers.ts"
import { Button } from "../../parts/button.tsx"
import { Time } from "../../parts/time.tsx"
import { hrefOf } from "../../routing.ts"
import { mayDo } from "../../state/session.ts"
import type { ChangeKind } from "./bulk-change.ts"
import type { Group } from "./grouping.ts"
import { titleOf } from "./letters.ts"

/** Dead letters of a group that are named. */
const MAX_LETTERS = 10

export interface GroupTableProps {
  readonly queue: string
  /** The largest groups. */
  readonly groups: readonly Group[]
  /** Number of groups that are not shown. */
  readonly hidden: number
  readonly onChange: (kind: ChangeKind, group: Group) => void
}

export const GroupTable = ({ queue, groups, hidden, onChange }: GroupTableProps) => (
  <>
    <ul class="groups">
      {groups.map((group) => (
        <GroupItem key={`${group.reason} ${group.error}`} queue={queue} group={group} onChange={onChange} />
      ))}
    </ul>
    {hidden > 0 && <p class="muted">{counted(hidden, "smaller group")} not shown: filter to see them.</p>}
  </>
)

function GroupItem({
  queue,
  group,
  onChange,
}: Omit<GroupTableProps, "groups" | "hidden"> & { readonly group: Group }) {
  const { letters, reason, error } = group
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
        </div>
        {mayDo("admin") && (
          <div class="actions">
            <Button
              label={`Redrive ${counted(letters.length, "dead letter")}: ${error || reason}`}
              onClick={() => onChange("redrive", group)}
            >
              Redrive …
            </Button>
            <Button
              label={`Purge ${counted(letters.length, "dead letter")}: ${error || reason}`}
              onClick={() => onChange("purge", group)}
            >
              Purge …
            </Button>
          </div>
        )}
      </div>
      <details>
        <summary>
          {letters.length > MAX_LETTERS
            ? `The oldest ${MAX_LETTERS} events`
            : counted(letters.length, "event")}
        </summary>
        <ul class="letters">
          {letters.slice(0, MAX_LETTERS).map((letter, index) => (
            <li key={letter.id ?? index}>
              {letter.id === null ? (
                <span class="mono">{titleOf(letter)}</span>
              ) : (
                <a class="mono" data-row href={hrefOf(["dead-letters", queue, letter.id])}>
                  {titleOf(letter)}
                </a>
              )}
              <span class="id">{letter.id}</span>
              <span class="muted">
                {counted(letter.attempts, "attempt")}, <Time at={letter.lastFailedAt} />
              </span>
            </li>
          ))}
        </ul>
      </details>
    </li>
  )
}
