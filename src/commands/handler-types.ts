import { readFileSync } from "node:fs"

/** The source of the types of handler modules. A macro: it is called where the code is bundled, not where it runs. */
export function handlerTypesSource(): string {
  return readFileSync(new URL("../runtime/handler-module.ts", import.meta.url), "utf8")
}
