import { basename, dirname } from "node:path"
import { pathToFileURL } from "node:url"
import type { BunPlugin } from "bun"

/** Also in strings and comments, where the other name does little harm. */
const META = /\bimport\.meta\b/g

/** As long as `import.meta`, so that positions in the file stay right. */
const OTHER_NAME = "$importMeta"

const NAMESPACE = "event-broker-import-meta"

/**
 * Gives each file of a bundle the `import.meta` that it has outside of one, where it would be that of the bundle: its own
 * URL and path, and `resolve` and `require` from its own folder.
 */
export const importMeta: BunPlugin = {
  name: "import-meta",
  setup(builder) {
    builder.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path, loader }) => {
      const source = await Bun.file(path).text()
      META.lastIndex = 0
      return META.test(source) ? { contents: withOwnMeta(path, source), loader } : undefined
    })
    builder.onResolve({ filter: new RegExp(`^${NAMESPACE}:`) }, ({ path }) => ({
      path,
      namespace: NAMESPACE,
    }))
    builder.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
      contents: metaOf(path.slice(NAMESPACE.length + 1)),
      loader: "js",
    }))
  },
}

/** An import takes effect before all other lines, so it stands at the end, where it moves none of them. */
const withOwnMeta = (path: string, source: string): string =>
  `${source.replace(META, OTHER_NAME)}\nimport ${OTHER_NAME} from ${JSON.stringify(`${NAMESPACE}:${path}`)}\n`

/** Returns the source of a module that exports the `import.meta` of a file. */
function metaOf(path: string): string {
  const dir = dirname(path)
  const file = basename(path)
  const own = { url: pathToFileURL(path).href, path, filename: path, dir, dirname: dir, file, main: false }
  return `
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
const resolveSync = (specifier) => Bun.resolveSync(specifier, ${JSON.stringify(dir)})
const urlOf = (resolved) => resolved.startsWith("/") ? pathToFileURL(resolved).href : resolved
export default {
  ...${JSON.stringify(own)},
  env: process.env,
  require: createRequire(${JSON.stringify(path)}),
  resolve: (specifier) => urlOf(resolveSync(specifier)),
  resolveSync,
}
`
}
