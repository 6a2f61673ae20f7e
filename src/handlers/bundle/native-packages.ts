import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** The part of a `package.json` that tells whether its package has native code. */
interface PackageFile {
  readonly gypfile?: unknown
  readonly binary?: unknown
  readonly napi?: unknown
  readonly os?: unknown
  readonly cpu?: unknown
  readonly dependencies?: Readonly<Record<string, unknown>>
  readonly optionalDependencies?: Readonly<Record<string, unknown>>
}

/** Packages that build or find native code for the package that depends on them. */
const NATIVE_HELPERS: ReadonlySet<string> = new Set([
  "@mapbox/node-pre-gyp",
  "bindings",
  "detect-libc",
  "nan",
  "napi-postinstall",
  "node-addon-api",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "prebuild-install",
])

/** Part of the name of a package for one platform. */
const PLATFORM = /linux|darwin|win32/

/** Finds packages with native code, which must be loaded from their own folder. It reads each `package.json` once. */
export class NativePackages {
  readonly #known = new Map<string, boolean>()

  /** Returns true if a file belongs to such a package. A file outside of `node_modules` does not. */
  has(path: string): boolean {
    const folder = packageFolder(path)
    if (folder === null) return false
    let isNative = this.#known.get(folder)
    if (isNative === undefined) {
      isNative = hasNativeCode(folder)
      this.#known.set(folder, isNative)
    }
    return isNative
  }
}

const FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/** Returns the folder of the package that a file belongs to; null outside of `node_modules`. */
function packageFolder(path: string): string | null {
  return FOLDER.exec(`${dirname(path)}/`)?.[0] ?? null
}

function hasNativeCode(folder: string): boolean {
  let described: PackageFile
  try {
    described = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  } catch {
    // Without a readable description it is bundled, as a folder of plain files.
    return false
  }
  const { gypfile, binary, napi, os, cpu, dependencies = {}, optionalDependencies = {} } = described
  if ([gypfile, binary, napi, os, cpu].some((mark) => mark !== undefined)) return true
  return (
    Object.keys(dependencies).some((name) => NATIVE_HELPERS.has(name)) ||
    Object.keys(optionalDependencies).some((name) => PLATFORM.test(name))
  )
}
