import type { Command } from "commander"
import { EXIT_REFUSED } from "./exit-codes.ts"
import { print, printJson } from "./output.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { block, joined, type Shown, shown, table } from "./shown.ts"

interface Fault {
  readonly module: string | null
  readonly message: string
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly frame: readonly string[]
}

interface ModuleAnswer {
  readonly file: string
  readonly queue: string
  readonly functions: readonly string[]
  readonly attempts: number
  readonly timeout_ms: number
  readonly concurrency: number | null
  readonly batch_size: number | null
}

interface WorkerAnswer {
  readonly place: number | null
  readonly state: string
  readonly jobs: number
  readonly memory_bytes: number | null
  readonly cpu_share: number | null
  readonly is_responding: boolean
  readonly replaced: number
}

interface ModulesAnswer {
  readonly generation: string
  readonly modules: readonly ModuleAnswer[]
  readonly rejected: { readonly faults: readonly Fault[] } | null
  /** Absent from services before they told, and from the answer to a reload. */
  readonly workers?: readonly WorkerAnswer[]
}

/** The status of an answer that says why the modules can't be used. */
const UNPROCESSABLE = 422

const PATH = "/api/v1/modules"

export function addModules(program: Command): void {
  const group = program.command("modules").description("look at the handler modules, and reload them")
  const list = group
    .command("list", { isDefault: true })
    .description("show the handler modules in use on the instance that answers (the default)")
  askingService(list).action(listModules)
  const reload = group
    .command("reload")
    .description("take the handler modules into use as their files are now, on the instance that answers")
  askingService(reload).action(reloadModules)
}

async function listModules(options: ServiceOptions): Promise<void> {
  const answer = await new ServiceClient(options).ask<ModulesAnswer>(PATH)
  if (options.json) return printJson(answer)
  print(shown`generation ${answer.generation}\n`)
  print(tableOf(answer.modules))
  if (answer.workers?.length) print(joined([shown`\n`, workersOf(answer.workers)]))
  if (answer.rejected !== null)
    print(block(`\nrejected at the last reload:\n${textOf(answer.rejected.faults)}\n`))
}

async function reloadModules(options: ServiceOptions): Promise<void> {
  const client = new ServiceClient(options)
  const response = await client.sendAnyway(`${PATH}/reload`, { method: "POST" })
  const text = await response.text()
  if (!response.ok) throw await refusal(client, response, text)
  const answer: ModulesAnswer & { readonly is_changed: boolean } = JSON.parse(text)
  if (options.json) return printJson(answer)
  print(
    answer.is_changed
      ? shown`generation ${answer.generation} is in use\n`
      : shown`nothing has changed: generation ${answer.generation} stays in use\n`,
  )
  print(tableOf(answer.modules))
}

async function refusal(client: ServiceClient, response: Response, text: string): Promise<CommandError> {
  const faults = response.status === UNPROCESSABLE ? faultsIn(text) : []
  if (faults.length === 0) return client.refusal(response, text)
  return new CommandError(`the modules before stay in use:\n${textOf(faults)}`, EXIT_REFUSED)
}

function faultsIn(text: string): readonly Fault[] {
  try {
    return JSON.parse(text).errors ?? []
  } catch {
    // Something else answers.
    return []
  }
}

const textOf = (faults: readonly Fault[]): string => faults.map(describe).join("\n")

function describe({ module, message, file, line, column, frame }: Fault): string {
  const sentence = module === null ? message : `handler module ${module}: ${message}`
  return file === null ? sentence : [sentence, `  at ${file}:${line}:${column}`, ...frame].join("\n")
}

function tableOf(modules: readonly ModuleAnswer[]): Shown {
  if (modules.length === 0) return shown`no handler modules\n`
  const rows = modules.map(({ file, queue, functions, attempts, timeout_ms, concurrency, batch_size }) => [
    file,
    queue,
    functions.join(", "),
    String(attempts),
    `${timeout_ms / 1_000} s`,
    String(concurrency ?? ""),
    String(batch_size ?? ""),
  ])
  return table(["module", "queue", "functions", "attempts", "timeout", "concurrency", "batch"], rows)
}

const MIB = 1_048_576

function workersOf(workers: readonly WorkerAnswer[]): Shown {
  const rows = workers.map((worker) => [
    worker.place === null ? "" : String(worker.place),
    worker.is_responding ? worker.state : `${worker.state}, does not yield`,
    String(worker.jobs),
    worker.memory_bytes === null ? "" : `${Math.round(worker.memory_bytes / MIB)} MiB`,
    worker.cpu_share === null ? "" : `${Math.round(worker.cpu_share * 100)} %`,
    String(worker.replaced),
  ])
  return table(["worker", "state", "jobs", "memory", "cpu", "replaced"], rows)
}
