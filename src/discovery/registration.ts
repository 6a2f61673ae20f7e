import { type Backoff, pause, RetryDelays } from "../event/backoff.ts"
import type { Logger } from "../telemetry/logger.ts"
import { explainNetworkFault } from "../telemetry/network-fault.ts"
import type { Registry, ServiceDescription } from "./registry.ts"

export interface RegistrationOptions {
  readonly registry: Registry
  readonly service: ServiceDescription
  readonly logger: Logger
  /** Time between two registrations, in milliseconds. Default 30,000: a registry forgets a service after 60 seconds. */
  readonly renewEveryMs?: number
  /** Waits while the registry does not accept the service. */
  readonly backoff?: Backoff
}

const RENEW_EVERY_MS = 30_000

/** A registry that comes back learns of the service before it forgets it. */
const RETRY_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 15_000 }

/** How long a stop waits for the registry, in milliseconds. A registry that hangs forgets the service by itself. */
const DEREGISTER_TIMEOUT_MS = 1_000

/**
 * Keeps a service registered, from construction until `stop`. A registry that is away delays nothing, and is tried
 * again until it answers.
 */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #stopping = new AbortController()
  /** Ends requests to the registry that are still running. */
  readonly #givingUp = new AbortController()
  readonly #running: Promise<void>

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.#running = this.#keepRegistered()
  }

  /** Removes the service from the registry; gives up after a second. Never rejects. */
  async stop(): Promise<void> {
    const { registry, service, logger } = this.#options
    const timer = setTimeout(
      () => this.#givingUp.abort(new Error("it did not answer in time")),
      DEREGISTER_TIMEOUT_MS,
    )
    this.#stopping.abort()
    try {
      // A registration may still be on its way. Without this wait, the registry may take it after the removal.
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

  /** Resolves with the reason why the registration was not accepted; null if it was. */
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
