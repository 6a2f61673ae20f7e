import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

/** Installs Debian's packages on this machine, where the file that tells of them is missing. */
export function ensurePackages(file, ...packages) {
  if (existsSync(file)) return
  console.log(`Installing ${packages.join(", ")} for the tests …`)
  apt("update")
  apt("install", "--yes", "--no-install-recommends", ...packages)
}

/**
 * Makes a folder with a Debian of its own, once: half a minute. Returns it, or null where that fails.
 * @param proof a file in it that tells whether it is whole
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
    console.error(`debootstrap could not make it:\n${stderr ?? ""}`)
    return null
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(partial, folder)
  return folder
}

function apt(...args) {
  // Installed, not started: the tests start servers of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  spawnSync("apt-get", ["--quiet=2", ...args], { env, stdio: ["ignore", "ignore", "inherit"] })
}
