/** How the connection to a broker is, for whoever looks into why events don't flow. It holds no secret. */
export interface BrokerReport {
  readonly state: "connected" | "blocked" | "disconnected"
  /** Why it is not connected, or what of it can't be used; null if all is well. */
  readonly reason: string | null
  /** The node that it is connected to, or was last. */
  readonly host: string
  readonly port: number
  readonly vhost: string
  readonly tls: boolean
  /** As the broker told when it was connected to; null before. */
  readonly product: string | null
  readonly version: string | null
  readonly queueType: string
  readonly isPublishing: boolean
  readonly isConsuming: boolean
  /** Deliveries whose retry or dead letter RabbitMQ did not take yet. They are kept, and stored again later. */
  readonly heldDeliveries: number
}
