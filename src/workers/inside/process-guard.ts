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

/** Calls that end this thread. Node's `process.exit` calls `process.reallyExit`, and libraries call it, too. */
const EXITS = ["exit", "reallyExit"] as const

/**
 * Calls a function before the first `process.exit` or `process.reallyExit` of this thread, which then ends as asked.
 * @param call called with the exit code and the name of what was called
 * @returns the plain `process.exit`, which calls nothing before
 */
export function beforeExit(call: (code: unknown, name: string) => void): typeof process.exit {
  let isEnding = false
  const plainExit = process.exit.bind(process)
  for (const name of EXITS) {
    const plain: (code?: number) => never = process[name].bind(process)
    const value = (code?: number): never => {
      const isFirst = !isEnding
      isEnding = true
      if (isFirst) call(code, name)
      return plain(code)
    }
    Object.defineProperty(process, name, { value, configurable: true, writable: true })
  }
  return (code) => {
    isEnding = true
    return plainExit(code)
  }
}

const refusal = (name: string) => (): never => {
  throw Object.assign(new TypeError(`process.${name} is not supported in workers`), {
    code: "ERR_WORKER_UNSUPPORTED_OPERATION",
  })
}
