/**
 * Messages on their way to another thread. To wake a thread costs more than what it is told: what is sent in one turn
 * of the event loop goes together.
 */
export class Outbox<Message> {
  readonly #post: (messages: readonly Message[]) => void
  #messages: Message[] = []

  constructor(post: (messages: readonly Message[]) => void) {
    this.#post = post
  }

  send(message: Message): void {
    if (this.#messages.length === 0) queueMicrotask(() => this.#flush())
    this.#messages.push(message)
  }

  /** For what must have left before anything else happens on this thread. */
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
