import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { Outgoing } from "../publishing/pending-publish.ts"
import { isOfThisMessage } from "../wire/copy-ladder.ts"
import { type CopyDetail, redriveOf } from "../wire/encode.ts"

/**
 * Stores a dead letter on its queue again; if RabbitMQ refuses it, without its properties and headers. A dead
 * letter that is still refused stays where it is.
 * @throws {PublishError}
 */
export async function storeRedriven(
  message: AMQPMessage,
  queue: string,
  publisher: () => { readonly publish: (outgoing: Outgoing) => Promise<void> },
): Promise<void> {
  const store = async (detail: CopyDetail): Promise<void> =>
    publisher().publish({ exchange: "", routingKey: queue, ...redriveOf(message, detail) })
  try {
    await store("full")
  } catch (error) {
    if (!isOfThisMessage(error)) throw error
    await store("minimal")
  }
}
