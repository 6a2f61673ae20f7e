import { suggest } from "../event/suggestion.ts"
import type { Route } from "./route.ts"

/** Most changes that make a path of a route out of one that does not exist. */
const MAX_CHANGES = 3

/** Most segments of a path, and longest segment that is compared with others: the time grows with both. */
const MAX_SEGMENTS = 8
const MAX_SEGMENT_LENGTH = 24

/** Segments that a path may have in excess: a doubled or trailing slash, and beginnings of other routes. */
const EXCESS = /^(api|v\d+|events|)$/i

/** The segment of a route with the version of the API, which other versions resemble. */
const VERSION = "v1"

/** Words of other programs for a segment of a route. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ["publish", "events"],
  ["messages", "events"],
  ["dlq", "dead-letters"],
  ["swagger", "docs"],
])

/** A segment as it was sent, with the segments of routes that it is, or was probably meant to be. */
interface Given {
  readonly segment: string
  readonly near: ReadonlySet<string>
}

/** A way to make a path of a route out of one that does not exist. */
interface Correction {
  readonly changes: number
  readonly segments: readonly string[]
}

interface Candidate {
  readonly route: Route
  readonly segments: readonly string[]
  /** Index of the last segment that is not a parameter. It says what the route does, so the path has to have it. */
  readonly decisive: number
}

/** Finds the route that was probably meant by a path that does not exist. */
export class NearestRoute {
  readonly #candidates: readonly Candidate[]
  readonly #words: readonly string[]

  constructor(routes: readonly Route[]) {
    this.#candidates = routes
      // A page asks for its own files, so nobody mistypes them.
      .filter(({ scope, path }) => scope !== "open" || !path.includes("{"))
      .map((route) => {
        const segments = segmentsOf(route.path)
        return { route, segments, decisive: segments.findLastIndex((each) => !isParameter(each)) }
      })
      .filter(({ decisive }) => decisive >= 0)
    const words = this.#candidates.flatMap(({ segments }) => segments.filter((each) => !isParameter(each)))
    this.#words = [...new Set(words)]
  }

  /**
   * Returns the method and path of the nearest route; null if none is near. Prefers a route with the method among
   * equally near ones.
   */
  find(method: string, path: string): string | null {
    const segments = segmentsOf(path)
    if (segments.length > MAX_SEGMENTS) return null
    const given = segments.map((segment) => this.#compare(segment))
    const near = new Set(given.flatMap((each) => [...each.near]))
    const [nearest] = this.#candidates
      .filter(({ segments, decisive }) => near.has(segments[decisive] ?? ""))
      .flatMap(({ route, segments, decisive }) => {
        const correction = correct(given, segments, decisive, MAX_CHANGES)
        return correction === null ? [] : [{ route, ...correction }]
      })
      .toSorted(
        (one, other) =>
          one.changes - other.changes ||
          Number(other.route.method === method) - Number(one.route.method === method),
      )
    return nearest === undefined ? null : `${nearest.route.method} /${nearest.segments.join("/")}`
  }

  #compare(segment: string): Given {
    const meant = OTHER_WORDS.get(segment.toLowerCase()) ?? segment
    const isNear = (word: string): boolean =>
      word === VERSION ? /^v\d+$/i.test(segment) : suggest(meant, [word]) !== null
    const words = segment.length > MAX_SEGMENT_LENGTH ? [] : this.#words
    return { segment, near: new Set(words.filter(isNear)) }
  }
}

/**
 * Corrects the given segments to those of a route.
 * @param decisive index of the segment of the route that must be given
 * @param left most changes
 */
function correct(
  given: readonly Given[],
  wanted: readonly string[],
  decisive: number,
  left: number,
): Correction | null {
  if (left < 0) return null
  const [first, ...rest] = given
  const [want, ...wants] = wanted
  if (first === undefined && want === undefined) return { changes: 0, segments: [] }
  const ways: (Correction | null)[] = []
  if (
    first !== undefined &&
    want !== undefined &&
    (isParameter(want) ? first.segment !== "" : first.near.has(want))
  ) {
    const segment = isParameter(want) ? first.segment : want
    const changes = segment === first.segment ? 0 : 1
    ways.push(prepend([segment], changes, correct(rest, wants, decisive - 1, left - changes)))
  }
  if (want !== undefined && decisive !== 0) {
    ways.push(prepend([want], 1, correct(given, wants, decisive - 1, left - 1)))
  }
  if (first !== undefined && EXCESS.test(first.segment)) {
    ways.push(prepend([], 1, correct(rest, wanted, decisive, left - 1)))
  }
  const [best] = ways.filter((way) => way !== null).toSorted((one, other) => one.changes - other.changes)
  return best ?? null
}

const prepend = (segments: readonly string[], changes: number, rest: Correction | null): Correction | null =>
  rest === null ? null : { changes: changes + rest.changes, segments: [...segments, ...rest.segments] }

const segmentsOf = (path: string): readonly string[] => (path === "/" ? [] : path.slice(1).split("/"))

const isParameter = (segment: string): boolean => segment.startsWith("{")
