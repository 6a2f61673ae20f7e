/** A variable whose value is not allowed. */
export interface ConfigFault {
  readonly name: string
  readonly message: string
}

/** The configuration is wrong. Lists every wrong variable at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ name, message }) => `${name} ${message}`).join("\n"))
    this.faults = faults
  }
}
