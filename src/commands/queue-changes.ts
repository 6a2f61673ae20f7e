import type { Command } from "commander"
import { print, printJson } from "./output.ts"
import { askingService, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { shown } from "./shown.ts"

/** Adds the commands that delete, empty and unbind a queue. */
export function addQueueChanges(group: Command): void {
  const remove = group
    .command("delete")
    .argument("<queue>")
    .description("delete a queue that nothing consumes and no handler module names, with its bindings")
    .option("--force", "also with events or dead letters, which are deleted with it")
  askingService(remove).action(deleteQueue)
  const purge = group
    .command("purge")
    .argument("<queue>")
    .description("delete the events that wait in a queue; dead letters stay")
  askingService(purge).action(purgeQueue)
  const unbind = group
    .command("unbind")
    .argument("<queue>")
    .description("let a queue that nothing consumes get no more events; it keeps those that it has")
  askingService(unbind).action(unbindQueue)
}

const pathOf = (queue: string): string => `/api/v1/queues/${encodeURIComponent(queue)}`

async function deleteQueue(
  queue: string,
  options: ServiceOptions & { readonly force?: boolean },
): Promise<void> {
  const path = `${pathOf(queue)}${options.force ? "?force=true" : ""}`
  const response = await new ServiceClient(options).send(path, { method: "DELETE" })
  const answer = (await response.json()) as { readonly events: number; readonly dead_letters: number }
  if (options.json) return printJson(answer)
  print(shown`${queue} deleted, with ${answer.events} events and ${answer.dead_letters} dead letters\n`)
}

async function purgeQueue(queue: string, options: ServiceOptions): Promise<void> {
  const response = await new ServiceClient(options).send(`${pathOf(queue)}/purge`, { method: "POST" })
  const answer = (await response.json()) as { readonly purged: number }
  if (options.json) return printJson(answer)
  print(shown`${answer.purged} events of ${queue} deleted\n`)
}

async function unbindQueue(queue: string, options: ServiceOptions): Promise<void> {
  const response = await new ServiceClient(options).send(`${pathOf(queue)}/unbind`, { method: "POST" })
  const answer = (await response.json()) as { readonly unbound: readonly string[] }
  if (options.json) return printJson(answer)
  const patterns = answer.unbound.join(", ")
  print(patterns === "" ? shown`${queue} had no bindings\n` : shown`${queue} unbound from ${patterns}\n`)
}
