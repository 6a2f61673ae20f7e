import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "..", "..")
const TEMPLATE = join(ROOT, "templates", "project")
const SOURCES = join(ROOT, "src", "handlers")

/** Names of files that would have an effect in the template folder itself, and their names in a project. */
const RENAMED: Readonly<Record<string, string>> = {
  env: ".env",
  gitignore: ".gitignore",
  "tests/voice.ts": "tests/voice.test.ts",
}

/**
 * Returns the files of a new project by path: those of the template, and the types of handler modules. A macro: it runs
 * when the code is bundled, so that the executable contains the files.
 */
export function projectFiles(): Record<string, string> {
  const paths = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1))
  const files = paths.map(
    (path) => [RENAMED[path] ?? path, readFileSync(join(TEMPLATE, path), "utf8")] as const,
  )
  const ours = [
    [".env.example", readFileSync(join(TEMPLATE, "env"), "utf8")],
    ["types/event-broker.ts", handlerTypes()],
    ["types/handler-environment.ts", readFileSync(join(SOURCES, "handler-environment.ts"), "utf8")],
  ] as const
  return Object.fromEntries([...files, ...ours].toSorted())
}

/** The types import only the event's types, which the template has in one file beside them. */
function handlerTypes(): string {
  return readFileSync(join(SOURCES, "handler-module.ts"), "utf8")
    .replaceAll(/"\.\.\/event\/[\w-]+\.ts"/g, '"./event.ts"')
    .replaceAll(/^\/\/ biome-ignore.*\n/gm, "")
}
