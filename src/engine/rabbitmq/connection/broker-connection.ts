import type { AMQPClient } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import { withTimeout } from "../../../system/with-timeout.ts"
import { type BrokerAccess, type BrokerAddress, urlOf } from "./broker-address.ts"
import { BrokerClient } from "./broker-client.ts"
import { explainConnectFault, NoAnswerError, socketErrorCode } from "./connect-fault.ts"
import type { OutageLog } from "./outage-log.ts"
import { readServerProperties, type ServerProperties } from "./server-properties.ts"

/** Timeout of one attempt to connect and set up the connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000

/** How long RabbitMQ may take to confirm the close of a connection, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000

/** Backoff between rounds of attempts. */
const RECONNECT_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

/** Age at which a connection counts as stable, so that the backoff restarts, in milliseconds. */
const STEADY_AFTER_MS = 10_000

export interface BrokerConnectionOptions {
  /** Name of the connection in RabbitMQ's management. */
  readonly name: string
  readonly access: BrokerAccess
  /** Logs why no connection can be made. */
  readonly outages: OutageLog
  /** Sets up the connection. If it rejects, the connection is closed and made again. */
  readonly setUp: (client: AMQPClient, server: ServerProperties, address: BrokerAddress) => Promise<void>
  /** Called with the reason whenever the connection is lost or can't be made. */
  readonly onDown: (reason: Error) => void
}

/** A connection that is made again whenever it ends, without limit, trying all hosts in turn. */
export class BrokerConnection {
  readonly #options: BrokerConnectionOptions
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  readonly #firstAttempt = Promise.withResolvers<void>()
  #client: AMQPClient | null = null
  #onLost: (reason: Error) => void = () => {}

  constructor(options: BrokerConnectionOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Resolves when a host has answered or every host has been tried. */
  get firstAttempt(): Promise<void> {
    return this.#firstAttempt.promise
  }

  /** Ends the current connection so that it is made again, for faults that can't be fixed otherwise. */
  reset(): void {
    this.#client?.socket?.destroy()
  }

  /** @param isAbrupt true if RabbitMQ would not confirm the close, nor is anything waiting to be sent. Default: false. */
  async close({ isAbrupt = false } = {}): Promise<void> {
    this.#closing.abort()
    const client = this.#client
    // A broker that blocks a connection does not read from it, and would not confirm the close.
    if (isAbrupt || client?.blocked !== undefined) this.reset()
    else if (client !== null && !client.closed)
      await inTime(client.close(), CLOSE_TIMEOUT_MS).catch(() => this.reset())
    this.#onLost(new Error("the connection was closed"))
    await this.#running
  }

  async #run(): Promise<void> {
    const { addresses } = this.#options.access
    const delays = new RetryDelays(RECONNECT_BACKOFF)
    for (let at = 0; !this.#closing.signal.aborted; at = (at + 1) % addresses.length) {
      const address = addresses[at]
      if (address === undefined) return
      try {
        const { lost } = await this.#connect(address)
        this.#options.outages.ended()
        this.#firstAttempt.resolve()
        const upAt = performance.now()
        const reason = await lost
        // A connection that keeps ending because of what it is sent is not made again without a pause.
        if (performance.now() - upAt > STEADY_AFTER_MS) delays.reset()
        throw reason
      } catch (error) {
        this.#client = null
        if (!this.#closing.signal.aborted) {
          this.#options.onDown(asError(error))
        }
      }
      if (at < addresses.length - 1) continue
      this.#firstAttempt.resolve()
      await delays.wait(this.#closing.signal)
    }
    this.#firstAttempt.resolve()
  }

  /** Resolves when the connection is set up; `lost` resolves with the reason of its end. */
  async #connect(address: BrokerAddress): Promise<{ readonly lost: Promise<Error> }> {
    const { access, name, setUp } = this.#options
    const client = new BrokerClient(urlOf(access, address, name))
    const lost = Promise.withResolvers<Error>()
    // The library also logs errors. Those that matter arrive through its promises.
    client.onerror = () => {}
    this.#onLost = lost.resolve
    client.ondisconnect = (error) => lost.resolve(error ?? new Error("the connection was lost"))
    this.#client = client
    let isConnected = false
    let codeOf: () => string | undefined = () => undefined
    try {
      const connecting = client.connect()
      const { socket } = client
      if (socket === undefined) throw new Error("the socket could not be created")
      codeOf = socketErrorCode(socket)
      const server = readServerProperties(socket)
      const isUp = Promise.all([server, connecting]).then(([properties]) => {
        isConnected = true
        return setUp(client, properties, address)
      })
      await inTime(Promise.race([isUp, lost.promise.then((error) => Promise.reject(error))]))
      return { lost: lost.promise }
    } catch (error) {
      client.socket?.destroy()
      const fault = isConnected ? asError(error) : explainConnectFault(error, codeOf(), address, access)
      if (!this.#closing.signal.aborted) this.#options.outages.failed(address, fault)
      throw fault
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

const inTime = <T>(work: Promise<T>, timeoutMs = CONNECT_TIMEOUT_MS): Promise<T> =>
  withTimeout(work, timeoutMs, new NoAnswerError(`the broker did not answer within ${timeoutMs} ms`))
