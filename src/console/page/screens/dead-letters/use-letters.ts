import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import { isAborted, sayError } from "../../api/problem.ts"
import { type Letter, readLetters } from "./letters.ts"

/** Dead letters that are read before somebody asks for more. */
const READ_AT_ONCE = 20_000

/** The dead letters of a queue that were read. The lists only grow, so that a hundred thousand are not copied again and again. */
export interface Reading {
  readonly letters: Letter[]
  readonly reasons: Set<string>
  readonly names: Set<string>
  /** Continues the list; null at its end. */
  cursor: string | null
}

export interface Letters {
  readonly reading: Reading
  /** Number of dead letters that were read. */
  readonly count: number
  readonly isReading: boolean
  readonly fault: string | null
  readonly readMore: () => void
  readonly again: () => void
}

const begin = (): Reading => ({ letters: [], reasons: new Set(), names: new Set(), cursor: null })

/** Reads the dead letters of a queue, the oldest first, some thousands at once. */
export function useLetters(queue: string): Letters {
  const [round, setRound] = useState(0)
  const [state, setState] = useState(() => ({ reading: begin(), count: 0, isReading: true, fault: "" }))
  const ending = useRef(new AbortController())

  const go = useCallback(
    async (reading: Reading) => {
      const { signal } = ending.current
      const { letters } = reading
      const most = letters.length + READ_AT_ONCE
      const show = (isReading: boolean, fault = ""): void =>
        setState({ reading, count: letters.length, isReading, fault })
      show(true)
      try {
        for await (const page of readLetters(queue, reading.cursor, signal)) {
          if (signal.aborted) return
          add(reading, page.letters)
          reading.cursor = page.cursor
          if (letters.length >= most) break
          show(true)
        }
        show(false)
      } catch (error) {
        if (!isAborted(error) && !signal.aborted) show(false, sayError(error))
      }
    },
    [queue],
  )

  useEffect(() => {
    ending.current = new AbortController()
    void go(begin())
    return () => ending.current.abort()
  }, [go, round])

  const { reading, fault } = state
  return {
    ...state,
    fault: fault === "" ? null : fault,
    readMore: () => void go(reading),
    again: useCallback(() => setRound((before) => before + 1), []),
  }
}

function add({ letters, reasons, names }: Reading, page: readonly Letter[]): void {
  for (const letter of page) {
    letters.push(letter)
    reasons.add(letter.reason)
    if (letter.name !== null) names.add(letter.name)
  }
}
