import { createHash } from "node:crypto"
import { withTimeout } from "../system/with-timeout.ts"
import type { Bundle } from "./bundle/bundle.ts"
import type { BundleAnswer } from "./bundle/bundle-process.ts"
import type { ModuleFile } from "./module-files.ts"
import { ModuleLoadError } from "./module-load-error.ts"

/** All handler modules at one moment. Every worker loads the same code, whatever becomes of the files. */
export interface ModuleSet extends Bundle {
  /** Names the set in logs and answers: it changes with the code. */
  readonly generation: string
  readonly files: readonly ModuleFile[]
}

/** Letters of a generation: with 16^8 values, two sets of one service have the same one by chance once in a million edits. */
const GENERATION_LENGTH = 8

/** How long bundling may take, in milliseconds: hundreds of times longer than with large packages. */
const BUNDLE_TIMEOUT_MS = 60_000

const FAILED = "the handler modules can't be bundled"

/** A set without modules. */
export const NO_MODULES: ModuleSet = {
  generation: "none",
  files: [],
  code: "export const modules = []",
  sources: [],
}

export interface Bundling {
  /** The command that runs `bundle/bundle-process.ts`. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Ends the bundling, which then rejects. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Bundles handler modules into a set.
 * @throws {ModuleLoadError} for the first module that can't be bundled
 */
export async function buildModuleSet(files: readonly ModuleFile[], bundling: Bundling): Promise<ModuleSet> {
  if (files.length === 0) return NO_MODULES
  const answer = await bundleInProcess(files, bundling)
  if (answer.kind === "refused") throw new ModuleLoadError(answer.file, answer.faults)
  if (answer.kind === "failed") throw new Error(`${FAILED}: ${answer.reason}`)
  return newSet(files, { code: answer.code, sources: answer.sources })
}

async function bundleInProcess(
  files: readonly ModuleFile[],
  { command, environment, signal }: Bundling,
): Promise<BundleAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BundleAnswer>()
  const child = Bun.spawn([...command], {
    env: { ...environment },
    stdio: ["ignore", "ignore", "ignore"],
    serialization: "json",
    ipc: (answer: BundleAnswer) => resolve(answer),
    onExit: (_, code, signal) => reject(new Error(`${FAILED}: the process ended with ${signal ?? code}`)),
  })
  const end = (): void => reject(new Error(`${FAILED}: it was ended`))
  try {
    if (signal?.aborted) end()
    signal?.addEventListener("abort", end)
    child.send(files)
    const late = new Error(`${FAILED} within ${BUNDLE_TIMEOUT_MS / 1_000} s`)
    return await withTimeout(promise, BUNDLE_TIMEOUT_MS, late)
  } finally {
    signal?.removeEventListener("abort", end)
    child.kill("SIGKILL")
  }
}

function newSet(files: readonly ModuleFile[], bundle: Bundle): ModuleSet {
  const hash = createHash("sha256").update(JSON.stringify(files)).update(bundle.code)
  return { generation: hash.digest("hex").slice(0, GENERATION_LENGTH), files, ...bundle }
}
