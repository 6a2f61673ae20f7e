/**
 * Functions that, by default, start a process with the environment of this process, not with their thread's
 * `process.env`.
 */
const STARTERS = ["spawn", "spawnSync"] as const

/**
 * Makes `Bun.spawn` and `Bun.spawnSync` give a process `process.env` of this thread unless the call has an `env`, as
 * `node:child_process` does. Otherwise a handler's child would see the service's secrets, and none of `.env`.
 */
export function passOwnEnvironment(): void {
  for (const name of STARTERS) {
    const start = Bun[name]
    const startWithEnvironment = (first: object, second?: object): unknown =>
      Array.isArray(first)
        ? Reflect.apply(start, Bun, [first, withEnvironment(second)])
        : Reflect.apply(start, Bun, [withEnvironment(first)])
    Object.defineProperty(Bun, name, { value: startWithEnvironment })
  }
}

const withEnvironment = (options: { readonly env?: unknown } = {}): object => ({
  ...options,
  env: options.env ?? process.env,
})
