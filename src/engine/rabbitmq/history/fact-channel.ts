import type { AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { LinkState } from "../connection/broker-link.ts"
import { blockedText } from "../connection/link-session.ts"
import { letGoOfBuffers } from "../wire/unconfirmed.ts"

/** `away`: without a connection. `off`: RabbitMQ does not let the stream be used, which is tried again now and then. */
export type WriterState =
  | { readonly name: "away" }
  | { readonly name: "opening" | "waiting" | "off"; readonly client: AMQPClient }
  | { readonly name: "open"; readonly client: AMQPClient; readonly channel: AMQPChannel }
  | { readonly name: "stopped" }

export interface FactChannel {
  readonly channel: AMQPChannel
  /** RabbitMQ's words if the stream has other arguments than it would be declared with, otherwise null. */
  readonly words: string | null
}

/**
 * Opens a channel with confirms, once the stream exists.
 * @param declare declares the stream. Resolves with RabbitMQ's words if it exists with other arguments, otherwise with null
 */
export async function openFactChannel(
  client: AMQPClient,
  declare: (client: AMQPClient) => Promise<string | null>,
): Promise<FactChannel> {
  const words = await declare(client)
  const channel = await client.channel()
  await channel.confirmSelect()
  letGoOfBuffers(channel)
  return { channel, words }
}

/**
 * Returns why no fact should be sent during an alarm of RabbitMQ; null without an alarm. A fact that is sent nevertheless
 * makes RabbitMQ block the connection for streams, and with it what is read.
 * @param publishing the connection for events, which sees alarms first
 */
export function alarmOf(client: AMQPClient, publishing: LinkState<unknown>): string | null {
  const alarm = client.blocked ?? (publishing.kind === "blocked" ? publishing.reason : null)
  return alarm === null ? null : blockedText(alarm)
}
