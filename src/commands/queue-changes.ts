import type { Command } from "commander"
import { counted } from "../event/counted.ts"
import { requireConfirmation } from "./confirm.ts"
import { print, printJson } from "./output.ts"
import type { QueueFigures } from "./queue-state.ts"
import { askingService, pathPart, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { shown } from "./shown.ts"

/** Adds the commands that pause, delete, empty and unbind a queue. */
export function addQueueChanges(group: Command): void {
  const remove = group
    .command("delete")
    .argument("<queue>")
    .description("delete a queue that nothing consumes and no handler module names")
    .option("--force", "delete its events and dead letters too; asks first on a terminal")
    .option("--yes", "do not ask for confirmation")
  askingService(remove).action(deleteQueue)
  const purge = group
    .command("purge")
    .argument("<queue>")
    .description("delete the events that wait in a queue, not its dead letters; asks first on a terminal")
    .option("--dry-run", "count them without deleting any")
    .option("--yes", "do not ask for confirmation")
  askingService(purge).action(purgeQueue)
  const unbind = group
    .command("unbind")
    .argument("<queue>")
    .description(
      "stop new events from reaching a queue that nothing consumes; it keeps the events that it has",
    )
  askingService(unbind).action(unbindQueue)
  for (const [change, description] of [
    ["pause", "stop handling a queue on the instance that answers; its events wait"],
    ["resume", "handle a paused queue again on the instance that answers"],
  ] as const) {
    const command = group.command(change).argument("<queue>").description(description)
    askingService(command).action((queue: string, options: ServiceOptions) =>
      changeConsumption(queue, change, options),
    )
  }
}

async function changeConsumption(
  queue: string,
  change: "pause" | "resume",
  options: ServiceOptions,
): Promise<void> {
  const path = `/api/v1/events/queues/${pathPart(queue)}/${change}`
  const answer = await new ServiceClient(options).ask<{ readonly is_paused: boolean }>(path, {
    method: "POST",
  })
  if (options.json) return printJson(answer)
  print(
    answer.is_paused
      ? shown`${queue} is paused on this instance: its events wait until it is resumed, or the service restarts\n`
      : shown`${queue} is resumed: this instance handles its events\n`,
  )
}

type ChangeOptions = ServiceOptions & { readonly yes?: boolean }

const pathOf = (queue: string): string => `/api/v1/queues/${pathPart(queue)}`

async function deleteQueue(
  queue: string,
  options: ChangeOptions & { readonly force?: boolean },
): Promise<void> {
  if (options.force && !options.yes) {
    requireConfirmation(shown`Delete ${queue} with all of its events and dead letters for good?`)
  }
  const path = `${pathOf(queue)}${options.force ? "?force=true" : ""}`
  const answer = await new ServiceClient(options).ask<{
    readonly events: number
    readonly dead_letters: number
  }>(path, { method: "DELETE" })
  if (options.json) return printJson(answer)
  print(
    shown`${queue} deleted, with ${counted(answer.events, "event")} and ${counted(answer.dead_letters, "dead letter")}\n`,
  )
}

async function purgeQueue(
  queue: string,
  options: ChangeOptions & { readonly dryRun?: boolean },
): Promise<void> {
  if (options.dryRun) return countPurge(queue, options)
  if (!options.yes) requireConfirmation(shown`Delete all events that wait in ${queue} for good?`)
  const path = `${pathOf(queue)}/purge`
  const answer = await new ServiceClient(options).ask<{ readonly purged: number }>(path, { method: "POST" })
  if (options.json) return printJson(answer)
  print(shown`${counted(answer.purged, "event")} of ${queue} deleted\n`)
}

/** Asks for the depth, because a service of an earlier version would take a dry run for a purge. */
async function countPurge(queue: string, options: ServiceOptions): Promise<void> {
  const answer = await new ServiceClient(options).ask<Pick<QueueFigures, "waiting" | "queued">>(pathOf(queue))
  const purged = answer.queued ?? answer.waiting
  if (options.json) return printJson({ queue, purged, dry_run: true })
  print(shown`${counted(purged, "event")} of ${queue} would be deleted\n`)
}

async function unbindQueue(queue: string, options: ServiceOptions): Promise<void> {
  const answer = await new ServiceClient(options).ask<{ readonly unbound: readonly string[] }>(
    `${pathOf(queue)}/unbind`,
    { method: "POST" },
  )
  if (options.json) return printJson(answer)
  const patterns = answer.unbound.join(", ")
  print(patterns === "" ? shown`${queue} had no bindings\n` : shown`${queue} unbound from ${patterns}\n`)
}
