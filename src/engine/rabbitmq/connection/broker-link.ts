import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { BrokerAddress } from "./broker-address.ts"
import { BrokerConnection, type BrokerConnectionOptions } from "./broker-connection.ts"
import type { ServerProperties } from "./server-properties.ts"

/** State of a link. */
export type LinkState<Session> =
  /** Not connected, because of `cause`, or not yet if that is null. The link keeps trying. */
  | { readonly kind: "down"; readonly reason: string; readonly cause: Error | null }
  | { readonly kind: "up"; readonly session: Session }
  /** RabbitMQ is short of memory or disk. It takes no publishes of this connection, and answers everything else. */
  | { readonly kind: "blocked"; readonly session: Session; readonly reason: string }
  | { readonly kind: "closed" }

/** The broker at the other end of a link. */
export interface Peer {
  readonly address: BrokerAddress
  readonly server: ServerProperties
}

export interface BrokerLinkOptions<Session>
  extends Pick<BrokerConnectionOptions, "name" | "access" | "outages"> {
  /** Opens a session on a new connection. If it rejects, the connection is closed and made again. */
  readonly open: (client: AMQPClient) => Promise<Session>
  /** Called when the link has come up. The connection counts as made when it has resolved. */
  readonly onUp?: (session: Session) => Promise<void>
  /** Called when RabbitMQ has blocked the connection. */
  readonly onBlocked?: (session: Session, reason: string) => void
  /** Called after each change of the state. */
  readonly onChange: () => void
}

/** A connection to RabbitMQ with a session on it, opened again on each new connection. */
export class BrokerLink<Session> {
  readonly #options: BrokerLinkOptions<Session>
  readonly #connection: BrokerConnection
  #state: LinkState<Session> = { kind: "down", reason: "not connected to RabbitMQ yet", cause: null }
  #peer: Peer | null = null

  constructor(options: BrokerLinkOptions<Session>) {
    this.#options = options
    this.#connection = new BrokerConnection({
      ...options,
      setUp: (client, server, address) => this.#setUp(client, { server, address }),
      onDown: (cause) =>
        this.#become({ kind: "down", reason: `RabbitMQ can't be used: ${cause.message}`, cause }),
    })
  }

  get state(): LinkState<Session> {
    return this.#state
  }

  /** The session, also while RabbitMQ blocks the connection; null without a connection. */
  get session(): Session | null {
    return this.#state.kind === "up" || this.#state.kind === "blocked" ? this.#state.session : null
  }

  /** The broker that was connected last; null before the first connection. */
  get peer(): Peer | null {
    return this.#peer
  }

  /** Resolves when a host has answered or every host has been tried. */
  get firstAttempt(): Promise<void> {
    return this.#connection.firstAttempt
  }

  /** Ends the current connection so that it is made again, for faults that can't be fixed otherwise. */
  reset(): void {
    this.#connection.reset()
  }

  async close(): Promise<void> {
    await this.#connection.close()
    this.#state = { kind: "closed" }
  }

  async #setUp(client: AMQPClient, peer: Peer): Promise<void> {
    client.onblocked = (reason) => this.#block(reason)
    client.onunblocked = () => this.#unblock()
    const session = await this.#options.open(client)
    // Lost meanwhile, and told: the next connection has its own session.
    if (client.closed) throw new Error("the connection was lost")
    this.#peer = peer
    // RabbitMQ may have blocked the connection for what the session has published.
    if (client.blocked === undefined) this.#become({ kind: "up", session })
    else this.#become({ kind: "blocked", session, reason: client.blocked })
    await this.#options.onUp?.(session)
  }

  /** RabbitMQ reports it only after the connection has published. */
  #block(reason: string): void {
    const { session } = this
    if (session === null) return
    this.#become({ kind: "blocked", session, reason })
    this.#options.onBlocked?.(session, reason)
  }

  #unblock(): void {
    if (this.#state.kind === "blocked") this.#become({ kind: "up", session: this.#state.session })
  }

  #become(state: LinkState<Session>): void {
    this.#state = state
    this.#options.onChange()
  }
}
