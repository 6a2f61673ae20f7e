import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { runCommand } from "./run-command.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const ROOT = join(import.meta.dir, "..", "..")
const TOOLS = join(ROOT, "node_modules")

/** Strict options, as careful users have. Generated files are checked like the program. */
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: "ESNext",
    module: "Preserve",
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
    lib: ["ESNext", "DOM", "DOM.Iterable"],
    types: [],
    skipLibCheck: true,
  },
  include: ["program.ts"],
}

/** Runs a tool from node_modules with this Bun. @throws {Error} with all of its output, if it fails. */
export async function runTool(script: string, args: readonly string[], cwd = ROOT): Promise<string> {
  const { code, stdout, stderr } = await runCommand(
    [process.execPath, "--bun", join(TOOLS, script), ...args],
    cwd,
    { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", NO_COLOR: "1", CI: "true" },
  )
  if (code !== 0) throw new Error(`${script} failed:\n${stdout}${stderr}`)
  return stdout + stderr
}

/**
 * A program with a client generated from an OpenAPI document, in a folder of its own. Generators use
 * TypeScript's JavaScript API, which version 7 doesn't have: the package `typescript` is version 6 for them,
 * and `tsc` comes from `@typescript/native`, version 7. Source: openapi-ts/openapi-typescript#2841.
 */
export class GeneratedClient implements Disposable {
  readonly #folder = temporaryFolder()

  /** @param program imports the client from `./client` */
  constructor(document: string, program: string) {
    const { path } = this.#folder
    mkdirSync(join(path, "client"))
    symlinkSync(TOOLS, join(path, "node_modules"))
    writeFileSync(join(path, "openapi.json"), document)
    writeFileSync(join(path, "program.ts"), program)
    writeFileSync(join(path, "tsconfig.json"), JSON.stringify(TSCONFIG))
    writeFileSync(join(path, "package.json"), '{"type":"module"}')
  }

  /**
   * Generates the client. @param args generator arguments for the files openapi.json and client in this
   * folder
   */
  async generate(generator: string, args: readonly string[]): Promise<void> {
    await runTool(generator, args, this.#folder.path)
  }

  /** Compiles program and client. @throws {Error} with the compiler's errors. */
  async compile(): Promise<void> {
    const { code, stdout, stderr } = await runCommand([join(TOOLS, ".bin", "tsc")], this.#folder.path)
    if (code !== 0) throw new Error(`the client does not compile:\n${stdout}${stderr}`)
  }

  /** Runs the program. Returns its output, parsed as JSON. */
  async run(url: string, key: string): Promise<unknown> {
    const { code, stdout, stderr } = await runCommand(
      [process.execPath, "program.ts", url, key],
      this.#folder.path,
    )
    if (code !== 0) throw new Error(`the program failed:\n${stdout}${stderr}`)
    return JSON.parse(stdout)
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}
