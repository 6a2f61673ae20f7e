import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** The Bun version, defined only by `packageManager` in package.json: "bun@1.2.3". */
const BUN_VERSION = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).packageManager.split("@")[1]

const BUN_FOLDER = join(ROOT, ".tools", `bun-${BUN_VERSION}`)

/** Ensures that the pinned Bun and the locked packages are installed. Returns the path of Bun. */
export function ensureToolchain() {
  const bun = isPinned("bun") ? "bun" : (findIn(BUN_FOLDER) ?? fetchBun())
  installPackages(bun)
  return bun
}

function isPinned(candidate) {
  const { status, stdout } = spawnSync(candidate, ["--version"], { encoding: "utf8" })
  return status === 0 && stdout.trim() === BUN_VERSION
}

/** The package `bun` contains a binary for each kind of processor; this finds the one that runs here. */
function findIn(folder) {
  const platforms = join(folder, "node_modules", "@oven")
  const names = existsSync(platforms) ? readdirSync(platforms) : []
  return names.map((name) => join(platforms, name, "bin", "bun")).find(isPinned)
}

function fetchBun() {
  console.log(`Getting Bun ${BUN_VERSION} from npm (once) …`)
  const partial = `${BUN_FOLDER}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  try {
    // Without its install script, which would move the binary elsewhere.
    const options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    execFileSync("npm", ["install", "--prefix", partial, ...options, `bun@${BUN_VERSION}`], {
      stdio: "inherit",
    })
  } catch {
    giveUp("npm could not install it")
  }
  rmSync(BUN_FOLDER, { recursive: true, force: true })
  renameSync(partial, BUN_FOLDER)
  return findIn(BUN_FOLDER) ?? giveUp("the package has no binary that runs on this machine")
}

function giveUp(reason) {
  console.error(`Bun ${BUN_VERSION} is required, but ${reason}: install that version and add it to the PATH.`)
  process.exit(1)
}

/** Installs the packages of bun.lock, unless they are installed already. */
function installPackages(bun) {
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "bun.lock")))
    .digest("hex")
  const stamp = join(ROOT, "node_modules", ".installed-from")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return
  console.log("Installing the packages of bun.lock (once) …")
  // No package needs its install script: one counts installations, and one asks for donations. The summary names those that
  // did not run, with a command that nobody needs.
  const options = ["--frozen-lockfile", "--ignore-scripts", "--no-summary"]
  const { status } = spawnSync(bun, ["install", ...options], { cwd: ROOT, stdio: "inherit" })
  if (status !== 0) {
    console.error("The packages in bun.lock could not be installed: see the output above.")
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}
