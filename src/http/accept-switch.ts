import { ptr } from "bun:ffi"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { fromCLibrary } from "../system/c-library.ts"

/** Turns the accepting of new connections off and on again: new ones wait meanwhile, and open ones go on. */
export interface AcceptSwitch {
  off(): void
  on(): void
}

/** A descriptor that an epoll watches, as `/proc/<pid>/fdinfo` tells of it. Source: proc_pid_fdinfo(5). */
interface Watched {
  readonly epoll: number
  readonly descriptor: number
  readonly events: number
  /** What the event loop gets with an event: its own pointer, which must be given back as it was. */
  readonly data: bigint
}

const WATCHED = /^tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)\s+data:\s*([0-9a-f]+)/gm

const SYMBOLS = {
  epoll_ctl: { args: ["int", "int", "int", "ptr"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
} as const

const EPOLL_CTL_MOD = 3
const SOL_SOCKET = 1
const SO_ACCEPTCONN = 30

/** Room for any address of a socket. Its port is at the same place for IPv4 and IPv6. */
const ADDRESS_BYTES = 128
const PORT_OFFSET = 2

/** `struct epoll_event` is packed on x86-64 alone. */
const DATA_OFFSET = process.arch === "x64" ? 4 : 8

/**
 * Makes the switch of a server that listens on this port. Call it right after the server was started, while few
 * descriptors are open.
 *
 * Bun.serve can't pause accepting: `stop` also closes idle connections. So the switch takes the listening socket's events
 * out of the event loop's epoll, and puts them back as they were.
 * @returns null where there is no `/proc`
 */
export function acceptSwitch(port: number): AcceptSwitch | null {
  const watched = watchedDescriptors()
  if (watched.length === 0) return null
  const setAll = (isOn: boolean): void => {
    const libc = openLibrary()
    if (libc === null) return
    for (const each of watched)
      if (isListeningOn(libc, each, port)) setEvents(libc, each, isOn ? each.events : 0)
  }
  return { off: () => setAll(false), on: () => setAll(true) }
}

function watchedDescriptors(): readonly Watched[] {
  try {
    return readdirSync("/proc/self/fd").filter(isEpoll).flatMap(watchedBy)
  } catch {
    // Not Linux.
    return []
  }
}

function isEpoll(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) === "anon_inode:[eventpoll]"
  } catch {
    // The descriptor by which the folder itself was read.
    return false
  }
}

const watchedBy = (epoll: string): readonly Watched[] =>
  [...readFileSync(`/proc/self/fdinfo/${epoll}`, "utf8").matchAll(WATCHED)].map(
    ([, descriptor, events, data]) => ({
      epoll: Number(epoll),
      descriptor: Number(descriptor),
      events: Number.parseInt(events ?? "", 16),
      data: BigInt(`0x${data}`),
    }),
  )

type LibraryCalls = NonNullable<ReturnType<typeof fromCLibrary<typeof SYMBOLS>>>

let library: LibraryCalls | null = null

/** Opened when it is first needed: hardly any process ever is. */
function openLibrary(): LibraryCalls | null {
  library ??= fromCLibrary(SYMBOLS)
  return library
}

/** Descriptors are numbers that are used again: only a listening socket of this port is touched. */
function isListeningOn(libc: LibraryCalls, { descriptor }: Watched, port: number): boolean {
  const value = new Int32Array(1)
  const valueBytes = new Uint32Array([value.byteLength])
  const hasOption = libc.getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, ptr(value), ptr(valueBytes)) === 0
  const address = new DataView(new ArrayBuffer(ADDRESS_BYTES))
  const addressBytes = new Uint32Array([address.byteLength])
  const hasName = libc.getsockname(descriptor, ptr(address), ptr(addressBytes)) === 0
  return hasOption && hasName && value[0] === 1 && address.getUint16(PORT_OFFSET) === port
}

function setEvents(libc: LibraryCalls, { epoll, descriptor, data }: Watched, events: number): void {
  const event = new DataView(new ArrayBuffer(DATA_OFFSET + BigUint64Array.BYTES_PER_ELEMENT))
  event.setUint32(0, events, true)
  event.setBigUint64(DATA_OFFSET, data, true)
  libc.epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, ptr(event))
}
