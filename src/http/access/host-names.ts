import { isIP } from "node:net"

/** Allows every host name when it is in the list of allowed hosts. */
const ANY_HOST = "*"

/**
 * Suffixes that nobody can register publicly, so no web page can have a name below them. Sources: RFC 6761
 * (test, localhost), RFC 6762 with its appendix G (local, and suffixes that private networks use), RFC 8375
 * (home.arpa), ICANN's resolution 2024.07.29.06 (internal), Kubernetes' DNS specification (svc,
 * cluster.local).
 */
const PRIVATE_SUFFIXES = [
  "local",
  "localhost",
  "test",
  "internal",
  "svc",
  "home.arpa",
  "lan",
  "home",
  "corp",
  "intranet",
  "private",
  "localdomain",
]

const SINGLE_LABEL = /^[a-z\d_-]+$/

/** Host names that the service answers to. */
export interface ServedNames {
  /** Allowed names in lower case; `*` allows all. Empty: any name that no web page can have. */
  readonly allowed: readonly string[]
  /** Names of this machine and service in lower case. They are always allowed. */
  readonly own: readonly string[]
}

/**
 * Returns whether the service answers to a name. Addresses and localhost are always allowed: a page that
 * makes its own name point here (DNS rebinding) sends that name instead.
 */
export function isServed(name: string, { allowed, own }: ServedNames): boolean {
  if (isAddress(name) || isBelow(name, "localhost") || own.includes(name)) return true
  if (allowed.length > 0) return allowed.includes(ANY_HOST) || allowed.includes(name)
  return SINGLE_LABEL.test(name) || PRIVATE_SUFFIXES.some((suffix) => isBelow(name, suffix))
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*?)(%.*)?\]$/, "$1")) !== 0

const isBelow = (name: string, suffix: string): boolean => name === suffix || name.endsWith(`.${suffix}`)
