/** A variable with a value that it does not take. */
export interface ConfigFault {
  readonly name: string
  readonly message: string
}

/** Every variable that was wrong, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ name, message }) => `${name} ${message}`).join("\n"))
    this.faults = faults
  }
}
