/** State of the connection to a broker, for diagnosing why events don't flow. It holds no secrets. */
export interface BrokerReport {
  readonly state: "connected" | "blocked" | "disconnected"
  /** Why the broker is not connected, or which part of it can't be used; null if there is no problem. */
  readonly reason: string | null
  /** The connected node, or the last one. */
  readonly host: string
  readonly port: number
  readonly vhost: string
  readonly tls: boolean
  /** Reported by the broker on connecting; null before. */
  readonly product: string | null
  readonly version: string | null
  readonly queueType: string
  readonly isPublishing: boolean
  readonly isConsuming: boolean
  /**
   * Deliveries whose retry or dead letter RabbitMQ has not accepted yet. They are kept, and the service tries
   * again to store them.
   */
  readonly heldDeliveries: number
}
