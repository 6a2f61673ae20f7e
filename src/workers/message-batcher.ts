import { inMicrotask } from "../system/intrinsics.ts"

/**
 * Sends messages to another thread. To wake the thread costs more than the messages, so those of one turn of the event
 * loop are posted together.
 */
export class MessageBatcher<Message> {
  readonly #post: (messages: readonly Message[]) => void
  #messages: Message[] = []

  constructor(post: (messages: readonly Message[]) => void) {
    this.#post = post
  }

  send(message: Message): void {
    if (this.#messages.length === 0) inMicrotask(() => this.#flush())
    this.#add(message)
  }

  /** Posts a message before anything else happens on this thread. */
  sendNow(message: Message): void {
    this.#add(message)
    this.#flush()
  }

  /** Works without `push`, which a handler module can replace in its worker. */
  #add(message: Message): void {
    this.#messages[this.#messages.length] = message
  }

  #flush(): void {
    if (this.#messages.length === 0) return
    const messages = this.#messages
    this.#messages = []
    this.#post(messages)
  }
}
