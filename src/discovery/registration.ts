import { type Backoff, pause, RetryDelays } from "../event/backoff.ts"
import type { Logger } from "../telemetry/logger.ts"
import { explainNetworkFault } from "../telemetry/network-fault.ts"
import type { Registry, ServiceDescription } from "./registry.ts"

export interface RegistrationOptions {
  readonly registry: Registry
  readonly service: ServiceDescription
  readonly logger: Logger
  /** Between two registrations, in milliseconds. Default 30,000: a registry forgets a service after 60 seconds. */
  readonly renewEveryMs?: number
  /** The waits while the registry does not take it. */
  readonly backoff?: Backoff
}

const RENEW_EVERY_MS = 30_000

/** A registry that is back learns of the service before it would have forgotten it. */
const RETRY_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 15_000 }

/** How long a stop waits for the registry, in milliseconds. One that hangs forgets the service by itself. */
const DEREGISTER_TIMEOUT_MS = 1_000

/**
 * Keeps a service known to a registry, from its construction until `stop`. A registry that is away delays nothing, and
 * is tried again for ever.
 */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #stopping = new AbortController()
  /** Ends whatever the registry is still asked. */
  readonly #givingUp = new AbortController()
  readonly #running: Promise<void>

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.#running = this.#keepRegistered()
  }

  /** Takes the service off the registry, or gives up after a second. Never rejects. */
  async stop(): Promise<void> {
    const { registry, service, logger } = this.#options
    const timer = setTimeout(
      () => this.#givingUp.abort(new Error("it did not answer in time")),
      DEREGISTER_TIMEOUT_MS,
    )
    this.#stopping.abort()
    try {
      // The registry may take a registration that is on its way after the end of it, were that not waited for.
      await this.#running
      await registry.deregister(service.id, this.#givingUp.signal)
      logger.info({ registry: registry.url }, "deregistered")
    } catch (error) {
      const reason = explainNetworkFault(error)
      logger.warn(
        { registry: registry.url, reason },
        "could not deregister; the registry will forget this service",
      )
    } finally {
      clearTimeout(timer)
    }
  }

  async #keepRegistered(): Promise<void> {
    const { renewEveryMs = RENEW_EVERY_MS, backoff = RETRY_BACKOFF } = this.#options
    const { signal } = this.#stopping
    const delays = new RetryDelays(backoff)
    let state: "new" | "known" | "unknown" = "new"
    while (!signal.aborted) {
      const fault = await this.#register()
      if (signal.aborted) return
      const next = fault === null ? "known" : "unknown"
      if (next !== state) this.#tell(fault)
      state = next
      if (fault !== null) await delays.wait(signal)
      else {
        delays.reset()
        await pause(renewEveryMs, signal)
      }
    }
  }

  /** Resolves with why it was not taken; null where it was. */
  async #register(): Promise<string | null> {
    const { registry, service } = this.#options
    try {
      await registry.register(service, this.#givingUp.signal)
      return null
    } catch (error) {
      return explainNetworkFault(error)
    }
  }

  #tell(fault: string | null): void {
    const { registry, service, logger } = this.#options
    if (fault === null) logger.info({ registry: registry.url, id: service.id }, "registered")
    else logger.warn({ registry: registry.url, reason: fault }, "not registered; it will be tried again")
  }
}
