/** Address of a RabbitMQ node. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface BrokerAccess {
  /** The nodes of the cluster, tried in turn. */
  readonly addresses: readonly BrokerAddress[]
  readonly user: string
  readonly password: string
  readonly vhost: string
  /** Use TLS. This machine has to trust the broker's certificate. */
  readonly tls: boolean
}

/**
 * Largest frame to negotiate, in bytes: RabbitMQ's default. A message's properties, including the failure
 * record, have to fit in one frame. The client keeps a buffer of this size for each publish in flight.
 */
const FRAME_MAX = 131_072

/** Heartbeat interval of the broker and the client, in seconds. A silent peer is given up after it. */
const HEARTBEAT_SECONDS = 10

/** Returns the URL for the client library. It contains the password and must never be logged. */
export function urlOf(access: BrokerAccess, { host, port }: BrokerAddress, name: string): string {
  const url = new URL(`${access.tls ? "amqps" : "amqp"}://${host.includes(":") ? `[${host}]` : host}:${port}`)
  url.username = encodeURIComponent(access.user)
  url.password = encodeURIComponent(access.password)
  url.pathname = `/${encodeURIComponent(access.vhost)}`
  url.search = new URLSearchParams({
    name,
    frameMax: String(FRAME_MAX),
    heartbeat: String(HEARTBEAT_SECONDS),
  }).toString()
  return url.href
}
