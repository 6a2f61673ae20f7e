import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "./toolchain.mjs"

const SERVER = "usr/lib/rabbitmq/bin/rabbitmq-server"

/** RabbitMQ 4, from a Debian that is newer than this machine's, in a folder of its own. */
const RABBITMQ_4 = { suite: "trixie", folder: join(ROOT, ".tools", "rabbitmq-4") }

/** Installs this machine's RabbitMQ where it is missing. The tests say what is missing where that fails. */
export function ensureRabbitMq() {
  if (existsSync(`/${SERVER}`)) return
  console.log("Installing rabbitmq-server for the tests …")
  apt("update")
  apt("install", "--yes", "--no-install-recommends", "rabbitmq-server")
}

/** Makes a folder with RabbitMQ 4, which takes half a minute, once. Returns it, or null where that fails. */
export function ensureRabbitMq4() {
  const { suite, folder } = RABBITMQ_4
  if (existsSync(join(folder, SERVER))) return folder
  console.log("Making a folder with RabbitMQ 4 for the tests, once …")
  if (!existsSync("/usr/sbin/debootstrap")) {
    apt("update")
    apt("install", "--yes", "--no-install-recommends", "debootstrap")
  }
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const options = ["--variant=minbase", "--include=rabbitmq-server"]
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
  // Installed, not started: the tests start nodes of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  spawnSync("apt-get", ["--quiet=2", ...args], { env, stdio: ["ignore", "ignore", "inherit"] })
}
