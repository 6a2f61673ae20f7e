import { isEventId, NAME_PATTERN } from "./envelope.ts"
import { isEventType } from "./event-type.ts"

/** The origin of an event that a handler published. An event from outside has none. */
export interface Lineage {
  /** Id of the event that was handled. */
  readonly causedBy: string
  /** Number of publishes by handlers, each caused by the one before, that led to the event; 0 after a redrive. */
  readonly hops: number
  /** `type/name` of the last events before it, the cause last, within `MAX_CHAIN_LINKS` and `MAX_CHAIN_LENGTH`. */
  readonly chain: readonly string[]
}

/** The event that a handler handles while it publishes. */
export interface Cause {
  readonly id: string
  /** `type/name`. */
  readonly link: string
  readonly lineage: Lineage | null
}

/** Hops are counted up to this number, which is above every `MAX_HOPS`. */
export const MAX_COUNTED_HOPS = 10_000

export const MAX_CHAIN_LINKS = 16

/** Longest chain, in characters with a space between links. With it, an error that shows the chain is stored whole. */
export const MAX_CHAIN_LENGTH = 1_024

/** Separates links in a text. Neither a type nor a name contains it. */
const SEPARATOR = " "

export const hopsOf = (lineage: Lineage | null): number => lineage?.hops ?? 0

export const linkOf = ({ type, name }: { readonly type: string; readonly name: string }): string =>
  `${type}/${name}`

/** Returns the lineage of an event that is published while the cause is handled. */
export function lineageAfter({ id, link, lineage }: Cause): Lineage {
  const chain = [...(lineage?.chain ?? []), link].slice(-MAX_CHAIN_LINKS)
  while (chainText(chain).length > MAX_CHAIN_LENGTH) chain.shift()
  return { causedBy: id, hops: Math.min(hopsOf(lineage) + 1, MAX_COUNTED_HOPS), chain }
}

/** Returns the lineage of an event that is redriven: somebody wants it to go on. */
export const startedAgain = ({ causedBy }: Lineage): Lineage => ({ causedBy, hops: 0, chain: [] })

/** Returns the chain as a text, which `readLineage` reads. */
export const chainText = (chain: readonly string[]): string => chain.join(SEPARATOR)

/**
 * Reads a stored lineage, which another program may have written. Returns null without the id of a cause. Hops out of
 * range count as 0, and a chain that is not one as empty.
 */
export function readLineage(causedBy: unknown, hops: unknown, chain: unknown): Lineage | null {
  if (typeof causedBy !== "string" || !isEventId(causedBy)) return null
  return { causedBy, hops: isHops(hops) ? hops : 0, chain: readChain(chain) }
}

const isHops = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNTED_HOPS

function readChain(text: unknown): readonly string[] {
  if (typeof text !== "string" || text === "" || text.length > MAX_CHAIN_LENGTH) return []
  const links = text.split(SEPARATOR)
  return links.length <= MAX_CHAIN_LINKS && links.every(isLink) ? links : []
}

function isLink(text: string): boolean {
  const [type, name = "", ...rest] = text.split("/")
  return rest.length === 0 && isEventType(type) && NAME_PATTERN.test(name)
}
