import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { EditedEvent } from "../../dead-letter.ts"
import type { Outgoing } from "../publishing/pending-publish.ts"
import { isOfThisMessage } from "../wire/copy-ladder.ts"
import { type CopyDetail, editedOf, redriveOf } from "../wire/encode.ts"

/**
 * Stores a dead letter on its queue again; if RabbitMQ refuses it, without its properties and headers. A dead
 * letter that is still refused stays where it is.
 * @param edited stored instead of its event; null for none
 * @throws {PublishError}
 */
export async function storeRedriven(
  message: AMQPMessage,
  queue: string,
  publisher: () => { readonly publish: (outgoing: Outgoing) => Promise<void> },
  edited: EditedEvent | null,
): Promise<void> {
  const address = { exchange: "", routingKey: queue }
  if (edited !== null) return publisher().publish({ ...address, ...editedOf(message, edited.event) })
  const store = async (detail: CopyDetail): Promise<void> =>
    publisher().publish({ ...address, ...redriveOf(message, detail) })
  try {
    await store("full")
  } catch (error) {
    if (!isOfThisMessage(error)) throw error
    await store("minimal")
  }
}
