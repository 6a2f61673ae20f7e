import { expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { type LogLine, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Starts a service, and returns its first log line about the broker. */
async function firstFault(environment: Readonly<Record<string, string>>): Promise<LogLine> {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { ENGINE: "rabbitmq", ...environment })
  await waitUntil(() => faultsIn(service).length > 0, "the fault to be logged")
  await service.listening()
  const [fault] = faultsIn(service)
  if (fault === undefined) throw new Error(service.stdout)
  // The health report has the same reason, and neither has the password.
  const { body } = await service.get("/health")
  expect(JSON.stringify(body)).toContain(JSON.stringify(fault.msg).slice(1, -1))
  expect(service.stdout).not.toContain("s3cret")
  return fault
}

const faultsIn = ({ log }: RunningService): readonly LogLine[] =>
  log.filter(({ msg }) => msg.startsWith("RabbitMQ can't be used: "))

test("a host that does not exist is reported with its variable", async () => {
  const fault = await firstFault({ RABBITMQ_HOST: "no-such-host.invalid" })
  expect(fault.msg).toMatch(/E(NOTFOUND|AI_AGAIN) no-such-host\.invalid: .*; check RABBITMQ_HOST/)
})

test("a closed port is reported with its variables, once for many attempts", async () => {
  await using folder = new ServiceFolder()
  const [port] = await freePorts(1)
  const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(port) })
  expect(faultsIn(service)).toMatchObject([
    {
      level: "warn",
      code: "ECONNREFUSED",
      msg: `RabbitMQ can't be used: ECONNREFUSED 127.0.0.1:${port}: nothing is listening there; check RABBITMQ_HOST and RABBITMQ_PORT, and whether RabbitMQ is running`,
    },
  ])
})

test("a port of another program is reported with its variable", async () => {
  using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") })
  const fault = await firstFault({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(other.port) })
  expect(fault.msg).toContain("check RABBITMQ_PORT")
})

onEveryBroker((node) => {
  const at = () => ({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node().port) })

  test("a wrong password is an error with RabbitMQ's reply text and the variables", async () => {
    const fault = await firstFault({ ...at(), RABBITMQ_PASSWORD: "s3cret" })
    expect(fault).toMatchObject({ level: "error", code: "ACCESS_REFUSED" })
    expect(fault.msg).toContain("ACCESS_REFUSED - Login was refused")
    expect(fault.msg).toContain("check RABBITMQ_USER and RABBITMQ_PASSWORD")
  })

  test("a missing virtual host is an error with RabbitMQ's reply text and the variable", async () => {
    const fault = await firstFault({ ...at(), RABBITMQ_VHOST: "nowhere" })
    expect(fault).toMatchObject({ level: "error", code: "NOT_ALLOWED" })
    expect(fault.msg).toContain("vhost nowhere not found; check RABBITMQ_VHOST")
  })

  test("a forbidden virtual host is an error with RabbitMQ's reply text and the variable", async () => {
    await node().control("add_user", "limited", "s3cret")
    const fault = await firstFault({ ...at(), RABBITMQ_USER: "limited", RABBITMQ_PASSWORD: "s3cret" })
    expect(fault.msg).toContain("access to vhost '/' refused for user 'limited'; check RABBITMQ_VHOST")
  })

  test("TLS to a port without TLS is reported with its variable", async () => {
    expect((await firstFault({ ...at(), RABBITMQ_TLS: "true" })).msg).toContain("check RABBITMQ_TLS")
  })

  test("a DATA_DIR that still holds events is a warning, and an empty one is not", async () => {
    await using folder = new ServiceFolder()
    const warnings = ({ log }: RunningService) => log.filter(({ msg }) => msg.startsWith("DATA_DIR still"))
    const embedded = await folder.start({ ENGINE: "embedded" })
    await embedded.stop()
    const empty = await folder.start(at())
    expect(warnings(empty)).toEqual([])
    await empty.stop()
    const filled = await folder.start({ ENGINE: "embedded" })
    await filled.publish({ name: "waits" })
    await filled.kill()
    const service = await folder.start(at())
    expect(warnings(service)).toMatchObject([{ level: "warn", events: 1 }])
    await service.stop()
    // The check changed nothing: the embedded engine still has its event.
    const again = await folder.start({ ENGINE: "embedded" })
    expect((await again.get("/api/v1/queues/custom_events")).body).toMatchObject({ waiting: 1 })
  })
})
