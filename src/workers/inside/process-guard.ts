/** Calls that change the whole process, not only their thread. Node refuses them in a worker; Bun does not. */
const PROCESS_WIDE = ["chdir", "setuid", "setgid", "seteuid", "setegid", "setgroups", "initgroups"] as const

/**
 * Makes calls that change the whole process throw in this thread, as Node does. A handler's `process.chdir` would
 * otherwise move every relative path of the service.
 */
export function guardProcess(): void {
  for (const name of PROCESS_WIDE) Object.defineProperty(process, name, { value: refusal(name) })
  const { umask } = process
  const setUmask = refusal("umask with an argument")
  Object.defineProperty(process, "umask", {
    value: (mask?: unknown) => (mask === undefined ? umask() : setUmask()),
  })
}

/**
 * Calls a function before each `process.exit` of this thread, which then ends as asked.
 * @returns the plain `process.exit`, which calls nothing before
 */
export function beforeExit(call: (code: unknown) => void): typeof process.exit {
  const plain = process.exit.bind(process)
  const value = (code?: Parameters<typeof plain>[0]): never => {
    call(code)
    return plain(code)
  }
  Object.defineProperty(process, "exit", { value, configurable: true, writable: true })
  return plain
}

const refusal = (name: string) => (): never => {
  throw Object.assign(new TypeError(`process.${name} is not supported in workers`), {
    code: "ERR_WORKER_UNSUPPORTED_OPERATION",
  })
}
