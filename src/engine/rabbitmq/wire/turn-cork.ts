import { nextTurn } from "../../../system/next-turn.ts"

/** A socket that can hold writes back and send them together. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/** Sockets that hold writes back until the end of this turn. */
const CORKED = new WeakSet<Corkable>()

/**
 * Sends what is written to the socket in this turn of the event loop together, at the end of the turn: a write for each
 * message costs this process and RabbitMQ more than the message does.
 */
export function corkForTurn(socket: Corkable | undefined): void {
  if (socket === undefined || CORKED.has(socket)) return
  CORKED.add(socket)
  socket.cork()
  void nextTurn().then(() => uncorkNow(socket))
}

/** Sends what a socket holds back, before the turn ends. */
export function uncorkNow(socket: Corkable | undefined): void {
  if (socket !== undefined && CORKED.delete(socket)) socket.uncork()
}
