import { Database, type Statement } from "bun:sqlite"

/** Records the SQL of every run of a statement prepared while this is in scope (`using`). */
export class RecordedStatements implements Disposable {
  readonly #prepare = Database.prototype.prepare
  #runs: string[] = []

  constructor() {
    const prepare = this.#prepare
    const record = (sql: string) => this.#runs.push(sql)
    replacePrepare(function (this: Database, sql: string): Statement {
      return recording(prepare.call(this, sql), () => record(sql))
    })
  }

  /** Returns the runs since the last call. */
  take(): readonly string[] {
    const taken = this.#runs
    this.#runs = []
    return taken
  }

  [Symbol.dispose](): void {
    replacePrepare(this.#prepare)
  }
}

function replacePrepare(value: unknown): void {
  Object.defineProperty(Database.prototype, "prepare", { value, configurable: true, writable: true })
}

function recording(statement: Statement, record: () => void): Statement {
  for (const method of ["run", "get", "all"] as const) {
    const original = statement[method].bind(statement)
    Object.defineProperty(statement, method, {
      value: (...parameters: []) => {
        record()
        return original(...parameters)
      },
    })
  }
  return statement
}
