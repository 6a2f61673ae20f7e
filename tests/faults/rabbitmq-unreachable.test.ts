import { expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { type LogLine, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Starts a service, and returns what its log says about the broker before anything else happens. */
async function firstFault(environment: Readonly<Record<string, string>>): Promise<LogLine> {
  await using folder = new ServiceFolder()
  const service = folder.spawn([], { ENGINE: "rabbitmq", ...environment })
  await waitUntil(() => faultsIn(service).length > 0, "the fault to be logged")
  await service.listening()
  const [fault] = faultsIn(service)
  if (fault === undefined) throw new Error(service.stdout)
  // The health says the same, and neither has the password.
  const { body } = await service.get("/health")
  expect(JSON.stringify(body)).toContain(JSON.stringify(fault.msg).slice(1, -1))
  expect(service.stdout).not.toContain("s3cret")
  return fault
}

const faultsIn = ({ log }: RunningService): readonly LogLine[] =>
  log.filter(({ msg }) => msg.startsWith("RabbitMQ can't be used: "))

test("a host that does not exist is named with its variable", async () => {
  const fault = await firstFault({ RABBITMQ_HOST: "no-such-host.invalid" })
  expect(fault.msg).toMatch(/E(NOTFOUND|AI_AGAIN) no-such-host\.invalid: .*; check RABBITMQ_HOST/)
})

test("a port on which nothing listens is named with its variables, and once however often it is tried", async () => {
  await using folder = new ServiceFolder()
  const [port] = await freePorts(1)
  const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(port) })
  expect(faultsIn(service)).toMatchObject([
    {
      level: "warn",
      code: "ECONNREFUSED",
      msg: `RabbitMQ can't be used: ECONNREFUSED 127.0.0.1:${port}: nothing listens there; check RABBITMQ_HOST and RABBITMQ_PORT, and whether RabbitMQ is running`,
    },
  ])
})

test("a port of something else is named with its variable", async () => {
  using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") })
  const fault = await firstFault({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(other.port) })
  expect(fault.msg).toContain("check RABBITMQ_PORT")
})

onEveryBroker((node) => {
  const at = () => ({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node().port) })

  test("a wrong password is an error with RabbitMQ's words and the variables", async () => {
    const fault = await firstFault({ ...at(), RABBITMQ_PASSWORD: "s3cret" })
    expect(fault).toMatchObject({ level: "error", code: "ACCESS_REFUSED" })
    expect(fault.msg).toContain("ACCESS_REFUSED - Login was refused")
    expect(fault.msg).toContain("check RABBITMQ_USER and RABBITMQ_PASSWORD")
  })

  test("a virtual host that does not exist is an error with RabbitMQ's words and the variable", async () => {
    const fault = await firstFault({ ...at(), RABBITMQ_VHOST: "nowhere" })
    expect(fault).toMatchObject({ level: "error", code: "NOT_ALLOWED" })
    expect(fault.msg).toContain("vhost nowhere not found; check RABBITMQ_VHOST")
  })

  test("a virtual host that the user may not use is an error with RabbitMQ's words and the variable", async () => {
    await node().control("add_user", "limited", "s3cret")
    const fault = await firstFault({ ...at(), RABBITMQ_USER: "limited", RABBITMQ_PASSWORD: "s3cret" })
    expect(fault.msg).toContain("access to vhost '/' refused for user 'limited'; check RABBITMQ_VHOST")
  })

  test("TLS to a port without it is named with its variable", async () => {
    expect((await firstFault({ ...at(), RABBITMQ_TLS: "true" })).msg).toContain("check RABBITMQ_TLS")
  })

  test("a DATA_DIR that still holds events is a warning, and an empty one is none", async () => {
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
    // The look changed nothing: the embedded engine has its event.
    const again = await folder.start({ ENGINE: "embedded" })
    expect((await again.get("/api/v1/queues/custom_events")).body).toMatchObject({ waiting: 1 })
  })
})
