import type { Server } from "node:net"

/** Starts a server on a free port of this machine. Resolves with the port. */
export async function listenOnLoopback(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, "127.0.0.1", resolve)
  await promise
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("the server has no port")
  return address.port
}
