import { dirname, extname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { BunPlugin } from "bun"
import type { ModuleFile } from "../module-files.ts"
import { explainBuildFailure } from "./build-failure.ts"
import { importMeta } from "./import-meta.ts"
import { withNativeImports } from "./native-imports.ts"
import { NativePackages } from "./native-packages.ts"
import { withAbsoluteSources } from "./source-map.ts"

/** Modules and everything that they import as one script. It exports `modules`: a function for each that loads it. */
export interface Bundle {
  readonly code: string
  /** The files that went into it, without those of npm packages. */
  readonly sources: readonly string[]
}

/** Files that a bundle takes in. Others, such as native code and images, are loaded from where they are. */
const INLINED = /^\.(?:[cm]?[jt]sx?|json[c5]?|toml|ya?ml|txt|md)$/

const IN_PACKAGE = /\/node_modules\//

/** Files of the bundler's own, such as `namespace:path`. */
const IS_MADE = /^[\w-]{2,}:/

const NATIVE = new NativePackages()

/**
 * Bundles handler modules.
 * @throws {ModuleLoadError} for the first module that can't be bundled, with all of its faults
 */
export async function bundleModules(files: readonly ModuleFile[]): Promise<Bundle> {
  const built = await build(files)
  if (!built.success) {
    for (const file of files) {
      const alone = await build([file])
      if (!alone.success) throw explainBuildFailure(file, alone.logs)
    }
    throw new Error(built.logs.map(({ message }) => message).join("; "))
  }
  const [output] = built.outputs
  if (output === undefined) throw new Error("the bundler made no output")
  const inputs = Object.keys(built.metafile?.inputs ?? {})
  return {
    code: withNativeImports(withAbsoluteSources(await output.text())),
    sources: inputs
      .filter((path) => !IN_PACKAGE.test(path) && !IS_MADE.test(path))
      .map((path) => resolve(path))
      .filter((path) => path !== entryOf(files)),
  }
}

/** Modules are loaded one by one, in their order, so that the one that fails or hangs is known. */
const entryCode = (files: readonly ModuleFile[]): string =>
  `export const modules = [${files.map(({ path }) => `() => import(${JSON.stringify(fileURLToPath(path))})`).join(", ")}]`

/** A file that does not exist, in the folder of the modules: their `tsconfig.json` and packages apply to it. */
function entryOf([first]: readonly ModuleFile[]): string {
  return resolve(first === undefined ? "." : dirname(fileURLToPath(first.path)), "event-broker-modules.ts")
}

const build = (files: readonly ModuleFile[]): Promise<Bun.BuildOutput> =>
  Bun.build({
    entrypoints: [entryOf(files)],
    target: "bun",
    format: "esm",
    sourcemap: "inline",
    metafile: true,
    throw: false,
    // Variables are read when the code runs.
    env: "disable",
    define: { "process.env.NODE_ENV": "process.env.NODE_ENV" },
    plugins: [entry(entryOf(files), entryCode(files)), importMeta, outside],
  })

const entry = (path: string, contents: string): BunPlugin => ({
  name: "entry",
  setup(builder) {
    builder.onResolve({ filter: /\/event-broker-modules\.ts$/ }, (asked) =>
      asked.path === path ? { path } : undefined,
    )
    builder.onLoad({ filter: /\/event-broker-modules\.ts$/ }, (asked) =>
      asked.path === path ? { contents, loader: "ts" } : undefined,
    )
  },
})

/** Leaves native packages, and files that are no code, outside of the bundle. */
const outside: BunPlugin = {
  name: "outside",
  setup(builder) {
    builder.onResolve({ filter: /.*/ }, ({ path, importer, namespace }) => {
      if (namespace !== "file" || importer === "") return undefined
      const file = resolveFrom(path, dirname(importer))
      if (file === null) return undefined
      if (!INLINED.test(extname(file)) || NATIVE.has(file)) return { path: file, external: true }
      // The bundler does not know them.
      return path.startsWith("file:") ? { path: file } : undefined
    })
  },
}

/** Returns the file of an import; null if it is a part of Bun, or if there is none, which the bundler then says. */
function resolveFrom(specifier: string, dir: string): string | null {
  try {
    const file = Bun.resolveSync(specifier, dir)
    return file.startsWith("/") ? file : null
  } catch {
    return null
  }
}
