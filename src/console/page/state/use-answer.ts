import { useCallback, useEffect, useState } from "preact/hooks"
import { isAborted, sayError } from "../api/problem.ts"

export interface Asked<Answer> {
  /** Null until the first answer. The last one stays while another is asked for. */
  readonly answer: Answer | null
  /** Why there is no answer, or no newer one; null while one is asked for because somebody wants it. */
  readonly fault: string | null
  readonly again: () => void
}

interface State<Answer> {
  readonly of: string
  readonly answer: Answer | null
  readonly fault: string | null
}

/**
 * Asks for something when the screen opens, and again when `of` changes.
 * @param ask null asks for nothing
 * @param of the subject of the question, as a text
 * @param every time after an answer until it asks again while the tab is visible, in milliseconds, or a function that
 * returns it for the last answer, if there is one. Default: never
 */
export function useAnswer<Answer>(
  ask: ((signal: AbortSignal) => Promise<Answer>) | null,
  of: string,
  every?: number | ((answer: Answer | null) => number | undefined),
): Asked<Answer> {
  const [state, setState] = useState<State<Answer>>({ of, answer: null, fault: null })
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (ask === null) return
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const msAfter = (answer: Answer | null): number | undefined =>
      typeof every === "function" ? every(answer) : every
    const later = (ms: number | undefined): void => {
      if (ms === undefined || ending.signal.aborted) return
      timer = setTimeout(() => (document.hidden ? later(ms) : setRound((before) => before + 1)), ms)
    }
    setState((before) => {
      if (before.of !== of) return { of, answer: null, fault: null }
      // While it asks by itself, a fault stays until there is an answer.
      return every === undefined ? { ...before, fault: null } : before
    })
    ask(ending.signal)
      .then((answer) => {
        if (!ending.signal.aborted) setState({ of, answer, fault: null })
        later(msAfter(answer))
      })
      .catch((error: unknown) => {
        if (ending.signal.aborted || isAborted(error)) return
        setState((before) => ({ ...before, fault: sayError(error) }))
        later(msAfter(state.of === of ? state.answer : null))
      })
    return () => {
      clearTimeout(timer)
      ending.abort()
    }
  }, [of, round])
  const again = useCallback(() => setRound((before) => before + 1), [])
  return state.of === of ? { ...state, again } : { answer: null, fault: null, again }
}
