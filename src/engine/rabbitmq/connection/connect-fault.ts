import type { Socket } from "node:net"
import { reasonOf } from "../../../system/reason-of.ts"
import { ACCESS_REFUSED, faultError, faultOf, replyIn } from "../wire/broker-fault.ts"
import type { BrokerAccess, BrokerAddress } from "./broker-address.ts"

/**
 * RabbitMQ's reply for a virtual host that is missing, forbidden for the user, or at its connection limit.
 */
const NOT_ALLOWED = 530

/** The broker did not answer, whether or not it accepted the connection. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError"
}

/** The server is not an AMQP broker. */
export class NoBrokerError extends Error {
  override readonly name = "NoBrokerError"

  constructor() {
    super("the server there is not an AMQP broker")
  }
}

/** RabbitMQ is unreachable or refuses the service. The message says why, and which variable to check. */
export class ConnectFault extends Error {
  override readonly name = "ConnectFault"
  /** The system's error code, or the name of RabbitMQ's reply code: `ECONNREFUSED`, `ACCESS_REFUSED`. */
  readonly code: string
  /** True if RabbitMQ refused the service: it will refuse again until somebody changes something. */
  readonly isRefusal: boolean

  constructor(code: string, message: string, { isRefusal = false, ...options }: FaultOptions = {}) {
    super(message, options)
    this.code = code
    this.isRefusal = isRefusal
  }
}

interface FaultOptions extends ErrorOptions {
  readonly isRefusal?: boolean
}

/** Meaning of each system error, and what to check. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [meaning: string, advice: string]>> = {
  ENOTFOUND: ["there is no host with this name", "check RABBITMQ_HOST"],
  EAI_AGAIN: ["the name can't be looked up now", "check RABBITMQ_HOST and the name server"],
  ECONNREFUSED: [
    "nothing is listening there",
    "check RABBITMQ_HOST and RABBITMQ_PORT, and whether RabbitMQ is running",
  ],
  EHOSTUNREACH: ["there is no route to this host", "check RABBITMQ_HOST"],
  ENETUNREACH: ["there is no route to this host", "check RABBITMQ_HOST"],
  ETIMEDOUT: ["nothing answers there", "check RABBITMQ_HOST and RABBITMQ_PORT, and firewalls in between"],
}

/**
 * The library's errors have no code, so this reads it from the socket. Returns a function that returns the
 * code, or undefined if there is none.
 */
export function socketErrorCode(socket: Socket): () => string | undefined {
  let code: string | undefined
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code ??= error.code
  })
  return () => code
}

/**
 * Explains why a connection could not be made.
 * @param error the rejection of the attempt
 * @param code the code of the socket's error, if it has one
 */
export function explainConnectFault(
  error: unknown,
  code: string | undefined,
  { host, port }: BrokerAddress,
  { tls }: Pick<BrokerAccess, "tls">,
): ConnectFault {
  const options = { cause: faultError(faultOf(error)) }
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const reply = replyIn(error)
  if (reply !== null) {
    const name = reply.text.split(" ", 1)[0] ?? ""
    const advice = adviceOnReply(reply.code)
    return new ConnectFault(name, `${place} answered ${reply.text.replace(/\.$/, "")}${advice}`, {
      ...options,
      isRefusal: true,
    })
  }
  if (error instanceof NoBrokerError) {
    const advice = "check RABBITMQ_PORT (default 5672; 15672 is the management page) and RABBITMQ_TLS"
    return new ConnectFault("NO_BROKER", `${place}: ${error.message}; ${advice}`, options)
  }
  const known = SYSTEM_ERRORS[error instanceof NoAnswerError ? "ETIMEDOUT" : (code ?? "")]
  if (known !== undefined) {
    const [meaning, advice] = known
    const shownCode = code ?? "ETIMEDOUT"
    const about = shownCode === "ENOTFOUND" || shownCode === "EAI_AGAIN" ? host : place
    return new ConnectFault(shownCode, `${shownCode} ${about}: ${meaning}; ${advice}`, options)
  }
  const words = reasonOf(error)
  const advice = tls
    ? "check RABBITMQ_TLS and RABBITMQ_PORT, and that this machine trusts the broker's certificate"
    : "check RABBITMQ_PORT and RABBITMQ_TLS, and the log of RabbitMQ"
  return new ConnectFault(code ?? "CLOSED", `${place}: ${words}; ${advice}`, options)
}

function adviceOnReply(code: number): string {
  if (code === ACCESS_REFUSED) {
    return "; check RABBITMQ_USER and RABBITMQ_PASSWORD (by default, RabbitMQ accepts guest only from its own machine)"
  }
  return code === NOT_ALLOWED ? "; check RABBITMQ_VHOST, and that RABBITMQ_USER may use it" : ""
}
