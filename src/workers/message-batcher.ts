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
    if (this.#messages.length === 0) queueMicrotask(() => this.#flush())
    this.#messages.push(message)
  }

  /** Posts a message before anything else happens on this thread. */
  sendNow(message: Message): void {
    this.#messages.push(message)
    this.#flush()
  }

  #flush(): void {
    if (this.#messages.length === 0) return
    const messages = this.#messages
    this.#messages = []
    this.#post(messages)
  }
}
