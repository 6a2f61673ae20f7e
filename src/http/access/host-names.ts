import { isIP } from "node:net"

/** Stands for every name in a list of allowed hosts. */
const ANY_HOST = "*"

/**
 * Suffixes below which nobody can register a public name, so no page of the web is there. Sources: RFC 6761 (test,
 * localhost), RFC 6762 with its appendix G (local and what networks use besides), RFC 8375 (home.arpa), ICANN's
 * resolution 2024.07.29.06 (internal), Kubernetes' DNS specification (svc, cluster.local).
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

/** Which names the service answers to. */
export interface ServedNames {
  /** Names that are allowed, in lower case; `*` allows all. None: any name that no page of the web can have. */
  readonly allowed: readonly string[]
  /** Names of this machine and service, in lower case. They are always allowed. */
  readonly own: readonly string[]
}

/**
 * Whether the service answers to a name. Addresses and localhost always count: a page that has its name point here
 * (DNS rebinding) sends that name.
 */
export function isServed(name: string, { allowed, own }: ServedNames): boolean {
  if (isAddress(name) || isBelow(name, "localhost") || own.includes(name)) return true
  if (allowed.length > 0) return allowed.includes(ANY_HOST) || allowed.includes(name)
  return SINGLE_LABEL.test(name) || PRIVATE_SUFFIXES.some((suffix) => isBelow(name, suffix))
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*?)(%.*)?\]$/, "$1")) !== 0

const isBelow = (name: string, suffix: string): boolean => name === suffix || name.endsWith(`.${suffix}`)
