import { bunTests } from "./bun-tests.mjs"
import { compile } from "./compile.mjs"
import { containerTests } from "./container-tests.mjs"
import { ensurePackages } from "./debian.mjs"
import { ensureRabbitMq, ensureRabbitMq4 } from "./rabbitmq.mjs"
import { staticChecks } from "./static-checks.mjs"
import { ensureToolchain } from "./toolchain.mjs"

/** Also runs the tests on RabbitMQ 4. */
const ALL_BROKERS = "--all-brokers"

/** Builds and tests the container image. */
const CONTAINER = "--container"

/** Debian programs that the tests run: the file that shows that each is installed, and its package. */
const TOOLS = [
  ["/usr/bin/chromium", "chromium"],
  ["/usr/bin/zsh", "zsh"],
  ["/usr/bin/fish", "fish"],
  ["/usr/bin/strace", "strace"],
  ["/usr/bin/jq", "jq"],
  ["/usr/bin/faketime", "faketime"],
  ["/usr/sbin/mkfs.ext4", "e2fsprogs"],
  ["/usr/sbin/haproxy", "haproxy"],
  ["/usr/lib/python3/dist-packages/pika", "python3-pika"],
  ["/usr/sbin/nginx", "nginx"],
  ["/usr/bin/caddy", "caddy"],
  ["/usr/bin/promtool", "prometheus"],
  ["/usr/bin/systemd-analyze", "systemd"],
]

const args = process.argv.slice(2)
const bun = ensureToolchain()
ensureRabbitMq()
for (const [file, name] of TOOLS) ensurePackages(file, name)
const folder4 = args.includes(ALL_BROKERS) ? ensureRabbitMq4() : undefined
if (folder4 !== undefined) process.env.RABBITMQ_TEST_ROOTS = `/:${folder4 ?? "no RabbitMQ 4"}`
const checks = await staticChecks()
const isBuilt = (await compile(bun)) === 0
const tests = await bunTests(
  bun,
  args.filter((each) => each !== ALL_BROKERS && each !== CONTAINER),
)
const container = args.includes(CONTAINER) ? await containerTests(bun) : { passed: 0, failed: 0 }

const passed = checks.passed + tests.passed + container.passed + (isBuilt ? 1 : 0)
const failed = checks.failed + tests.failed + container.failed + (isBuilt ? 0 : 1)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
