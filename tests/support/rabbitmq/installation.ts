import { existsSync } from "node:fs"
import { join } from "node:path"

/** An installed version of RabbitMQ. */
export interface RabbitMqInstallation {
  /** The root folder of its programs; "/" for this machine's own. */
  readonly root: string
}

const BIN = "usr/lib/rabbitmq/bin"

/**
 * Returns the versions of RabbitMQ to test with: this machine's own, unless `RABBITMQ_TEST_ROOTS` lists
 * others.
 */
export function installations(): readonly RabbitMqInstallation[] {
  return (process.env["RABBITMQ_TEST_ROOTS"] ?? "/").split(":").map((root) => ({ root }))
}

/**
 * Returns the command of one of its programs: rabbitmq-server, rabbitmqctl, rabbitmq-plugins.
 * @throws if it is not installed.
 */
export function commandOf({ root }: RabbitMqInstallation, program: string): readonly string[] {
  const command = `/${BIN}/${program}`
  if (!existsSync(join(root, command))) {
    throw new Error(
      `there is no RabbitMQ in ${root} to test with: apt-get install rabbitmq-server puts it into /; the contract suite also takes a broker by RABBITMQ_TEST_URL`,
    )
  }
  return root === "/" ? [command] : ["chroot", root, command]
}
