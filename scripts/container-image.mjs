import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { ensureDebian, ensurePackages } from "./debian.mjs"
import { ROOT } from "./toolchain.mjs"

const FOLDER = join(ROOT, ".tools", "container")
const IMAGE = "localhost/event-broker:tested"
const HANDLERS_IMAGE = "localhost/handlers:tested"

/** An image with handlers and their npm packages. */
const HANDLERS_EXAMPLE = join(ROOT, "examples", "image")

/**
 * A store for the tests only. Without a container engine: the driver that needs no mounts, and chroot for
 * isolation.
 */
const STORE = ["--root", join(FOLDER, "storage"), "--runroot", join(FOLDER, "run"), "--storage-driver", "vfs"]
export const ISOLATION = ["--isolation", "chroot"]

/** This machine's certificates, which may include one more than Bun's. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

/** Runs buildah. Returns its output. @throws with its error output, if it fails. */
export function buildah(...args) {
  const { status, stdout, stderr, error } = spawnSync("buildah", [...STORE, ...args], {
    cwd: ROOT,
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`buildah ${args[0]} failed: ${error?.message ?? stderr}`)
  return stdout.trim()
}

/** Returns the command line of buildah. */
export const buildahCommand = (...args) => ["buildah", [...STORE, ...args]]

/** Builds the image of the Dockerfile, on base images with the same names. Returns its name. */
export function buildImage(bun) {
  ensurePackages("/usr/bin/buildah", "buildah")
  const [bunImage, debianImage] = baseImages()
  ensureDebianImage(debianImage)
  ensureBunImage(bunImage, debianImage, bun)
  buildah("build", ...ISOLATION, "--pull-never", "--format", "docker", "--tag", IMAGE, ".")
  return IMAGE
}

/** Builds the example of an image with handlers, on the image that `buildImage` has built. Returns its name. */
export function buildHandlersImage() {
  const file = ["--file", join(HANDLERS_EXAMPLE, "Containerfile"), "--build-arg", `EVENT_BROKER=${IMAGE}`]
  const options = [...ISOLATION, "--pull-never", "--format", "docker", "--tag", HANDLERS_IMAGE]
  buildah("build", ...options, ...file, HANDLERS_EXAMPLE)
  return HANDLERS_IMAGE
}

/** The base images of the Dockerfile, in its order. */
function baseImages() {
  const text = readFileSync(join(ROOT, "Dockerfile"), "utf8")
  return [...text.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name)
}

function ensureDebianImage(name) {
  if (isThere(name)) return
  const suite = name.split(":")[1].replace("-slim", "")
  console.log(`Making the image ${name} for the tests (once) …`)
  const folder = ensureDebian(join(FOLDER, suite), suite, "etc/debian_version")
  if (folder === null) throw new Error(`there is no base system for ${name}`)
  commit("scratch", name, (container) => buildah("add", "--quiet", container, folder, "/"))
}

function ensureBunImage(name, debianImage, bun) {
  if (isThere(name)) return
  commit(debianImage, name, (container) => {
    const root = buildah("mount", container)
    const binary = join(root, "usr/local/bin/bun")
    copyFileSync(pathOf(bun), binary)
    chmodSync(binary, 0o755)
    if (existsSync(CERTIFICATES)) {
      mkdirSync(join(root, dirname(CERTIFICATES)), { recursive: true })
      copyFileSync(CERTIFICATES, join(root, CERTIFICATES))
      buildah("config", "--env", `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, container)
    }
  })
}

function commit(from, name, change) {
  const container = buildah("from", "--pull-never", from)
  try {
    change(container)
    buildah("commit", "--quiet", container, name)
  } finally {
    buildah("rm", container)
  }
}

const isThere = (name) => spawnSync(...buildahCommand("inspect", "--type", "image", name)).status === 0

function pathOf(bun) {
  const { stdout } = spawnSync(bun, ["--print", "process.execPath"], { encoding: "utf8" })
  return realpathSync(stdout.trim())
}
