import { Store, useStore } from "./state/store.ts"

/** The part of the address after its `#`. It works below any path, and the service does not see it. */
export interface Place {
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?")
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

/** An address that somebody has cut may end within an escape. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Returns the address of a place. Parameters that are empty are left out. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== "")
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`
  return `#/${path.map(encodeURIComponent).join("/")}${search}`
}

const place = new Store(placeOf(location.hash))
addEventListener("hashchange", () => place.set(placeOf(location.hash)))

export const currentPlace = (): Place => place.value

export const usePlace = (): Place => useStore(place)

export function goTo(path: readonly string[], query: Readonly<Record<string, string>> = {}): void {
  location.hash = hrefOf(path, query)
}

/** Returns whether a place is the one that is shown. */
export const isAt = (path: readonly string[]): boolean => hrefOf(path) === hrefOf(place.value.path)

/** Changes parameters of this place, without a step in the browser's history. */
export function replaceQuery(change: Readonly<Record<string, string>>): void {
  const { path, query } = place.value
  history.replaceState(null, "", hrefOf(path, { ...Object.fromEntries(query), ...change }))
  place.set(placeOf(location.hash))
}
