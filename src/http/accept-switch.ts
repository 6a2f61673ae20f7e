import { ptr } from "bun:ffi"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { fromCLibrary } from "../system/c-library.ts"

/** Pauses and resumes accepting connections. While paused, new connections wait and open ones continue. */
export interface AcceptSwitch {
  off(): void
  on(): void
}

/** A descriptor that an epoll watches, as `/proc/<pid>/fdinfo` shows it. Source: proc_pid_fdinfo(5). */
interface Watched {
  readonly epoll: number
  readonly descriptor: number
  readonly events: number
  /** The event loop's own pointer, which every event carries. It has to be restored unchanged. */
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

/** Room for any socket address. IPv4 and IPv6 have the port at the same offset. */
const ADDRESS_BYTES = 128
const PORT_OFFSET = 2

/** `struct epoll_event` is packed on x86-64 only. */
const DATA_OFFSET = process.arch === "x64" ? 4 : 8

/**
 * Creates the switch for the server that listens on this port. Call it right after the server starts, while
 * few descriptors are open.
 *
 * Bun.serve can't pause accepting: `stop` also closes idle connections. So the switch removes the listening
 * socket's events from the event loop's epoll, and later restores them unchanged.
 * @returns null on systems without `/proc`
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
    // The descriptor that read the folder itself.
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

/** Opens the C library on first use, because hardly any process needs it. */
function openLibrary(): LibraryCalls | null {
  library ??= fromCLibrary(SYMBOLS)
  return library
}

/** Checks for a listening socket of this port, because the system reuses descriptor numbers. */
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
