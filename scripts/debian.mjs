import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

/** Installs Debian packages on this machine if the file that indicates them is missing. */
export function ensurePackages(file, ...packages) {
  if (existsSync(file)) return
  console.log(`Installing ${packages.join(", ")} for the tests …`)
  apt("update")
  apt("install", "--yes", "--no-install-recommends", ...packages)
}

/**
 * Creates a folder with a separate Debian, once; it takes half a minute. Returns it, or null if that fails.
 * @param proof a file in it that shows that it is complete
 */
export function ensureDebian(folder, suite, proof, packages = []) {
  if (existsSync(join(folder, proof))) return folder
  ensurePackages("/usr/sbin/debootstrap", "debootstrap")
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const options = ["--variant=minbase", ...(packages.length > 0 ? [`--include=${packages.join(",")}`] : [])]
  const { status, stderr } = spawnSync("debootstrap", [...options, suite, partial], { encoding: "utf8" })
  if (status !== 0) {
    console.error(`debootstrap failed:\n${stderr ?? ""}`)
    return null
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(partial, folder)
  return folder
}

function apt(...args) {
  // Installed but not started, because the tests start their own servers.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  spawnSync("apt-get", ["--quiet=2", ...args], { env, stdio: ["ignore", "ignore", "inherit"] })
}
