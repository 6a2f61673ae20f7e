/** RabbitMQ's answer to what it refused. */
export interface Reply {
  /** A reply code of AMQP 0-9-1, such as 403 or 404. */
  readonly code: number
  /** RabbitMQ's own words. */
  readonly text: string
}

export const ACCESS_REFUSED = 403
export const NOT_FOUND = 404
export const PRECONDITION_FAILED = 406

/** The library's text of a channel or connection that the broker closed. RabbitMQ's words begin with the code's name. */
const CLOSED_BY_BROKER = /^(?:(?:channel \d+|connection) closed: )?([A-Z_]+ - .*) \((\d{3})\)$/s

/** Finds RabbitMQ's reply in an error or its causes; null if the broker did not give one. */
export function replyOf(error: unknown): Reply | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    const [, text, code] = CLOSED_BY_BROKER.exec(each.message) ?? []
    if (text !== undefined) return { code: Number(code), text }
  }
  return null
}

/** RabbitMQ's own words if there are any, else the error's. */
export function reasonOf(error: unknown): string {
  return replyOf(error)?.text ?? (error instanceof Error ? error.message : String(error))
}
