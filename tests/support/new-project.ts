import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type CommandResult, runCommand } from "./run-command.ts"
import { BINARY, type ServiceFolder } from "./running-service.ts"

const MODULES = join(import.meta.dir, "..", "..", "node_modules")

/** A project made by `event-broker init`, in a folder of its own. */
export class NewProject {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async in(folder: ServiceFolder): Promise<NewProject> {
    const { code, stderr } = await runCommand([BINARY, "init", "app"], folder.path)
    if (code !== 0) throw new Error(stderr)
    return new NewProject(join(folder.path, "app"))
  }

  /** Installs the types of Bun, as `npm install` does with the project's package.json. */
  installTypes(): void {
    mkdirSync(join(this.path, "node_modules"))
    symlinkSync(join(MODULES, "bun-types"), join(this.path, "node_modules", "bun-types"))
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8")
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text)
  }

  /** Runs the project's tests. */
  test(environment: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return runCommand([BINARY, "test"], this.path, { BUN_BE_BUN: "1", ...environment })
  }

  checkTypes(): Promise<CommandResult> {
    return runCommand([join(MODULES, ".bin", "tsc"), "--noEmit"], this.path)
  }
}
