import { useEffect, useRef, useState } from "preact/hooks"
import type { Filter } from "./filter.ts"
import { type Group, Grouping } from "./grouping.ts"
import type { Letters } from "./use-letters.ts"

/** Groups that are shown. */
const MAX_GROUPS = 100

/** Dead letters between two turns of the browser: a few milliseconds. */
const SLICE = 5_000

export interface Groups {
  /** The largest ones. */
  readonly groups: readonly Group[]
  readonly hidden: number
  /** Dead letters that match. */
  readonly shown: number
  /** Number of them in each queue. */
  readonly queues: ReadonlyMap<string, number>
}

const NOTHING: Groups = { groups: [], hidden: 0, shown: 0, queues: new Map() }

/** Groups the dead letters that match a filter, in slices that leave the browser time to draw. */
export function useGroups({ reading, count }: Letters, filter: Filter): Groups {
  const [groups, setGroups] = useState(NOTHING)
  const current = useRef<{ grouping: Grouping; of: unknown; filter: string } | null>(null)
  const key = JSON.stringify(filter)
  useEffect(() => {
    if (current.current?.of !== reading || current.current.filter !== key) {
      current.current = { grouping: new Grouping(filter), of: reading, filter: key }
    }
    const { grouping } = current.current
    let timer: ReturnType<typeof setTimeout> | undefined
    const step = (): void => {
      grouping.take(reading.letters, SLICE)
      if (grouping.taken < count) {
        timer = setTimeout(step, 0)
        return
      }
      const largest = grouping.largest(MAX_GROUPS)
      setGroups({
        groups: largest,
        hidden: grouping.groupCount - largest.length,
        shown: grouping.count,
        queues: grouping.queues,
      })
    }
    step()
    return () => clearTimeout(timer)
  }, [reading, count, key])
  return groups
}
