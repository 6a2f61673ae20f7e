import { EngineUnavailableError, PublishError } from "../../errors.ts"
import type { BrokerLink, LinkState } from "./broker-link.ts"

/**
 * Returns the session of a link.
 * @throws {PublishError} while nothing can be published on it.
 */
export function usableSession<Session>({ state }: BrokerLink<Session>): Session {
  if (state.kind === "up") return state.session
  const reason = state.kind === "blocked" ? blockedText(state.reason) : whyDown(state)
  throw new PublishError("engine-unavailable", reason)
}

/**
 * Returns the session of a link, also while RabbitMQ takes no publishes on it.
 * @throws {EngineUnavailableError} while there is no connection.
 */
export function sessionOf<Session>({ session, state }: BrokerLink<Session>): Session {
  if (session === null) throw new EngineUnavailableError(whyDown(state))
  return session
}

/**
 * Says why publishes are refused while the connection is blocked.
 * @param reason RabbitMQ's reason
 */
export const blockedText = (reason: string): string => `RabbitMQ blocks publishers: ${reason}`

/** Says why a link has no session. */
export const whyDown = (state: LinkState<unknown>): string =>
  state.kind === "down" ? state.reason : "the engine is closed"
