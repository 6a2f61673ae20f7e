import { closeSync, openSync } from "node:fs"
import type { Logger } from "../telemetry/logger.ts"
import { openFilesLimit } from "../telemetry/open-files.ts"
import type { AcceptSwitch } from "./accept-switch.ts"

/**
 * Most descriptors held in reserve, released when the process has no others: enough for connections to
 * RabbitMQ, for the files and threads of a worker that is replaced, and for files that the store opens.
 */
const MAX_RESERVE = 16

/** Largest part of a low limit that the reserve may take: the service has to start with the rest. */
const RESERVE_PART = 1 / 8

/**
 * Free descriptors needed before accepting resumes, as a multiple of the reserve: the reserve itself, and
 * some for the connections.
 */
const ROOM_FACTOR = 1.5

/** Interval between checks, in milliseconds: the longest time that an exhausted process spins. */
const LOOK_INTERVAL_MS = 250

/** An exhaustion that returns within this time, in milliseconds, is the same one and is not logged again. */
const CALM_MS = 10_000

const ANY_FILE = "/dev/null"

/**
 * Stops accepting connections while the process has no file descriptors left. Otherwise the event loop would
 * retry to accept waiting connections in a busy loop, and the store, the workers and RabbitMQ would get no
 * descriptors either.
 */
export class DescriptorGuard implements Disposable {
  readonly #switch: AcceptSwitch
  readonly #logger: Logger
  readonly #timer: Timer
  readonly #limit = openFilesLimit()
  readonly #reserveSize = Math.min(
    MAX_RESERVE,
    Math.ceil((this.#limit ?? Number.POSITIVE_INFINITY) * RESERVE_PART),
  )
  readonly #reserve: number[] = []
  #isExhausted = false
  /** Start of the exhaustion that was logged and has not ended, on the monotonic clock. */
  #toldAt: number | null = null
  #resumedAt = 0

  constructor(acceptSwitch: AcceptSwitch, logger: Logger) {
    this.#switch = acceptSwitch
    this.#logger = logger
    take(this.#reserve, this.#reserveSize)
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
  }

  /** True while there are too few descriptors and no connections are accepted. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    letGo(this.#reserve)
  }

  #look(): void {
    if (this.#isExhausted) this.#resumeIfPossible()
    else if (hasRoom(1)) this.#tellCalm()
    else this.#pause()
  }

  #pause(): void {
    this.#isExhausted = true
    this.#switch.off()
    letGo(this.#reserve)
    if (this.#toldAt !== null) return
    this.#toldAt = performance.now()
    this.#logger.error(
      { open_files_limit: this.#limit },
      "no file descriptors left: new connections wait until others close; raise the open files limit",
    )
  }

  #resumeIfPossible(): void {
    // Needs more than the reserve: descriptors that become free earlier are left to the rest of the service.
    if (!hasRoom(Math.ceil(this.#reserveSize * ROOM_FACTOR))) return
    take(this.#reserve, this.#reserveSize)
    this.#switch.on()
    this.#isExhausted = false
    this.#resumedAt = performance.now()
  }

  #tellCalm(): void {
    if (this.#toldAt === null || performance.now() - this.#resumedAt < CALM_MS) return
    const seconds = Math.round((this.#resumedAt - this.#toldAt) / 1_000)
    this.#toldAt = null
    this.#logger.info({ seconds }, "file descriptors available again: accepting connections")
  }
}

/** Opens files until `count` are held. @returns whether all could be opened */
function take(held: number[], count: number): boolean {
  try {
    while (held.length < count) held.push(openSync(ANY_FILE, "r"))
    return true
  } catch {
    // EMFILE, or ENFILE if the whole system has no descriptors left.
    return false
  }
}

function letGo(held: number[]): void {
  for (const descriptor of held.splice(0)) closeSync(descriptor)
}

function hasRoom(count: number): boolean {
  const held: number[] = []
  const isEnough = take(held, count)
  letGo(held)
  return isEnough
}
