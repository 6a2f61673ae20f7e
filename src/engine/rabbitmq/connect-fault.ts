import type { Socket } from "node:net"
import type { BrokerAccess, BrokerAddress } from "./broker-address.ts"
import { ACCESS_REFUSED, faultError, faultOf, replyIn } from "./wire/broker-fault.ts"

/** The reply to a virtual host that is missing, that the user may not use, or that has all its connections. */
const NOT_ALLOWED = 530

/** The broker accepted the connection, or not even that, and said nothing. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError"
}

/** What answers is not an AMQP broker. */
export class NoBrokerError extends Error {
  override readonly name = "NoBrokerError"

  constructor() {
    super("what answers there is no AMQP broker")
  }
}

/** RabbitMQ can't be reached, or does not let the service in. The message says why and which variable to look at. */
export class ConnectFault extends Error {
  override readonly name = "ConnectFault"
  /** The system's error code, or the name of RabbitMQ's reply code: `ECONNREFUSED`, `ACCESS_REFUSED`. */
  readonly code: string
  /** RabbitMQ was reached and refused: it will refuse again until somebody changes something. */
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

/** What each error of the system means, and where to look. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [meaning: string, advice: string]>> = {
  ENOTFOUND: ["there is no host of this name", "check RABBITMQ_HOST"],
  EAI_AGAIN: ["the name can't be looked up at this moment", "check RABBITMQ_HOST and the name server"],
  ECONNREFUSED: [
    "nothing listens there",
    "check RABBITMQ_HOST and RABBITMQ_PORT, and whether RabbitMQ is running",
  ],
  EHOSTUNREACH: ["no network leads to this host", "check RABBITMQ_HOST"],
  ENETUNREACH: ["no network leads to this host", "check RABBITMQ_HOST"],
  ETIMEDOUT: ["nothing answers there", "check RABBITMQ_HOST and RABBITMQ_PORT, and firewalls on the way"],
}

/** The library's errors have no code: this takes it from the socket. Returns what reads it, undefined if there is none. */
export function socketErrorCode(socket: Socket): () => string | undefined {
  let code: string | undefined
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code ??= error.code
  })
  return () => code
}

/**
 * Explains why no connection could be made.
 * @param error what the attempt rejected with
 * @param code the code of the socket's error, if it had one
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
    return new ConnectFault(name, `${place} answered ${reply.text}${advice}`, { ...options, isRefusal: true })
  }
  if (error instanceof NoBrokerError) {
    const advice = "check RABBITMQ_PORT (5672 by default; 15672 is the management page's) and RABBITMQ_TLS"
    return new ConnectFault("NO_BROKER", `${place}: ${error.message}; ${advice}`, options)
  }
  const known = SYSTEM_ERRORS[error instanceof NoAnswerError ? "ETIMEDOUT" : (code ?? "")]
  if (known !== undefined) {
    const [meaning, advice] = known
    const shownCode = code ?? "ETIMEDOUT"
    const about = shownCode === "ENOTFOUND" || shownCode === "EAI_AGAIN" ? host : place
    return new ConnectFault(shownCode, `${shownCode} ${about}: ${meaning}; ${advice}`, options)
  }
  const words = error instanceof Error ? error.message : String(error)
  const advice = tls
    ? "check RABBITMQ_TLS and RABBITMQ_PORT, and that this machine trusts the broker's certificate"
    : "check RABBITMQ_PORT and RABBITMQ_TLS, and the log of RabbitMQ"
  return new ConnectFault(code ?? "CLOSED", `${place}: ${words}; ${advice}`, options)
}

function adviceOnReply(code: number): string {
  if (code === ACCESS_REFUSED) {
    return "; check RABBITMQ_USER and RABBITMQ_PASSWORD (RabbitMQ lets guest in from its own machine only)"
  }
  return code === NOT_ALLOWED ? "; check RABBITMQ_VHOST, and that RABBITMQ_USER may use it" : ""
}
