import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import { ListenError } from "../http/http-server.ts"

/**
 * Checks that `HOST` is an address, or a name that has one. Bun says of a name without one that the port is in use.
 * Rejects with a `ListenError`.
 */
export async function requireAddress(host: string): Promise<void> {
  if (isIP(host) !== 0) return
  try {
    await lookup(host)
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    throw new ListenError(
      `HOST ${host} is neither an address nor the name of a host (${code}): set HOST to an address of this machine, or to 0.0.0.0 for all of them`,
      { cause },
    )
  }
}
