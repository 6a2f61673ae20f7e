/** Where RabbitMQ is, and how to get in. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface BrokerAccess {
  /** The nodes of the cluster; tried one after the other. */
  readonly addresses: readonly BrokerAddress[]
  readonly user: string
  readonly password: string
  readonly vhost: string
  /** Whether to speak TLS; the certificate has to be one that this machine trusts. */
  readonly tls: boolean
}

/**
 * The largest frame to ask for, in bytes: the default of RabbitMQ. A message's properties have to fit into one, and the
 * record of a failure is among them. The client keeps a buffer of this size for each publish in flight.
 */
const FRAME_MAX = 131_072

/** How often the broker and the client say that they are there, in seconds. A silent peer is given up after it. */
const HEARTBEAT_SECONDS = 10

/** The URL that the client library takes. It holds the password, and is never to be logged. */
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
