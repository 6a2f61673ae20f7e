/** Variables that have, or lead to, the service's own secrets and data. A mistyped `RABBITMQ_PASWORD` is one, too. */
const OF_THE_SERVICE = /^RABBITMQ_|^API_KEYS_FILE$|^DATA_DIR$|^EVENT_BROKER_KEY$/

/**
 * Returns the variables that handlers see as `process.env`: those of the environment without the service's own,
 * `RABBITMQ_*`, `API_KEYS_FILE` and `DATA_DIR`, and without the commands' `EVENT_BROKER_KEY`. This keeps them out of
 * handlers by accident only: a worker is no sandbox.
 */
export function handlerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const visible: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !OF_THE_SERVICE.test(name)) visible[name] = value
  }
  return visible
}
