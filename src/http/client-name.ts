import type { StoredKey } from "./access/key-file.ts"
import type { Exchange } from "./context.ts"

/**
 * Parts of an IPv6 address that identify the network. A host can use any address within it. Source: RFC 4291,
 * 2.5.4.
 */
const NETWORK_PARTS = 4

/** An IPv4 address on a dual-stack socket. Source: RFC 4291, 2.5.5.2. */
const MAPPED = /^::ffff:(?=[\d.]+$)/i

/**
 * Names the client of a request, for limits that clients share: the key, or the address if the service has no
 * keys. Without keys, all clients behind one proxy count as one.
 */
export function clientName(key: StoredKey | null, exchange: Exchange): string {
  if (key !== null) return `the key ${key.name}`
  const given = exchange.address()
  return given === null ? "this client" : `the address ${networkOf(given)}`
}

/** Returns the network of an IPv6 address; an IPv4 address is returned unchanged. */
export function networkOf(address: string): string {
  const plain = address.replace(MAPPED, "")
  if (!plain.includes(":")) return plain
  const [before = "", after] = plain.split("::")
  const head = before === "" ? [] : before.split(":")
  const tail = after === undefined || after === "" ? [] : after.split(":")
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length
  const parts = [...head, ...Array<string>(Math.max(0, zeros)).fill("0"), ...tail]
  return `${parts.slice(0, NETWORK_PARTS).join(":")}::/64`
}
