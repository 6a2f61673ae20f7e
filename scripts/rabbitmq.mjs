import { existsSync } from "node:fs"
import { join } from "node:path"
import { ensureDebian, ensurePackages } from "./debian.mjs"
import { ROOT } from "./toolchain.mjs"

const SERVER = "usr/lib/rabbitmq/bin/rabbitmq-server"

/** RabbitMQ 4, from a newer Debian than this machine's, in a folder of its own. */
const RABBITMQ_4 = { suite: "trixie", folder: join(ROOT, ".tools", "rabbitmq-4") }

/** Installs this machine's RabbitMQ if it is missing. If that fails, the tests say what is missing. */
export function ensureRabbitMq() {
  ensurePackages(`/${SERVER}`, "rabbitmq-server")
}

/** Creates a folder with RabbitMQ 4, once; it takes half a minute. Returns it, or null if that fails. */
export function ensureRabbitMq4() {
  const { suite, folder } = RABBITMQ_4
  if (!existsSync(join(folder, SERVER))) console.log("Making a folder with RabbitMQ 4 for the tests (once) …")
  return ensureDebian(folder, suite, SERVER, ["rabbitmq-server"])
}
