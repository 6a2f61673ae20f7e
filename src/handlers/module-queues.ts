import type { QueueDeclaration } from "../engine/engine.ts"
import type { QueueField } from "../engine/errors.ts"
import type { QueueLimits } from "../engine/queues.ts"
import { suggest } from "../event/suggestion.ts"
import type { ModuleManifest } from "./manifest.ts"
import { ModuleLoadError } from "./module-load-error.ts"
import type { LocateOption } from "./option-position.ts"

/** Returns the predefined queues, with what the modules add to them, and the modules' own queues. */
export function queuesOf(
  manifests: readonly ModuleManifest[],
  predefined: readonly QueueDeclaration[],
  limits: QueueLimits,
): readonly QueueDeclaration[] {
  const queues = new Map(predefined.map((queue) => [queue.name, queue]))
  for (const { queue: name, bindings, isSingleActiveConsumer } of manifests) {
    const before = queues.get(name)
    // A queue that is named without `bind` must exist already, from another module or on the engine.
    if (before === undefined && bindings === null) continue
    queues.set(name, {
      ...limits,
      ...before,
      name,
      bindings: [...(before?.bindings ?? []), ...(bindings ?? [])],
      isSingleActiveConsumer: (before?.isSingleActiveConsumer ?? false) || isSingleActiveConsumer,
    })
  }
  return [...queues.values()]
}

/**
 * Checks that no queue would need other arguments than those that it was created with.
 * @param earlier the queues of the modules in use
 * @throws {ModuleLoadError} for the first module that asks for another argument
 */
export function requireSameArguments(
  declared: readonly QueueDeclaration[],
  earlier: readonly QueueDeclaration[],
  manifests: readonly ModuleManifest[],
  locate: LocateOption,
): void {
  const isSingle = new Map(earlier.map(({ name, isSingleActiveConsumer: single = false }) => [name, single]))
  for (const { name, isSingleActiveConsumer: single = false } of declared) {
    const before = isSingle.get(name) ?? single
    const module = manifests.find(({ queue }) => queue === name)
    if (before === single || module === undefined) continue
    throw otherConsumers(module, before, locate)
  }
}

/** A queue that the engine refuses. */
export interface RefusedQueue {
  readonly queue: string
  /** The field of the declaration that the existing queue has with another value; null if the reason is another one. */
  readonly field: QueueField | null
  readonly message: string
}

/**
 * Names the module that asks for a queue which the engine refuses.
 * @returns null if the modules are not to blame: the limits of a predefined queue are not theirs
 */
export function refusedQueueFault(
  { queue, field, message }: RefusedQueue,
  manifests: readonly ModuleManifest[],
  predefined: readonly QueueDeclaration[],
  locate: LocateOption,
): ModuleLoadError | null {
  const naming = manifests.filter((each) => each.queue === queue)
  const single = naming.find(({ isSingleActiveConsumer }) => isSingleActiveConsumer)
  const module = single ?? naming[0]
  if (module === undefined) return null
  if (field === "isSingleActiveConsumer") return otherConsumers(module, single === undefined, locate)
  if (predefined.some(({ name }) => name === queue)) return null
  return new ModuleLoadError(module.file, [{ message, at: locate(module.file, ["queue"]) }])
}

/** @param before how the queue was created */
function otherConsumers(
  { file, queue }: ModuleManifest,
  before: boolean,
  locate: LocateOption,
): ModuleLoadError {
  const message =
    `\`single_active_consumer\` of the queue ${queue} was ${before} when it was created, and a queue can't change it: ` +
    "set it as it was, or name another queue"
  return new ModuleLoadError(file, [
    { message, at: locate(file, ["single_active_consumer"]) ?? locate(file, ["queue"]) },
  ])
}

/**
 * Checks that the queue of each module exists.
 * @param known every queue that exists
 * @throws {ModuleLoadError} for the first module whose queue does not
 */
export function requireQueues(
  known: readonly { readonly name: string }[],
  manifests: readonly ModuleManifest[],
  locate: LocateOption,
): void {
  const names = known.map(({ name }) => name)
  const lost = manifests.find(({ queue }) => !names.includes(queue))
  if (lost === undefined) return
  const nearest = suggest(lost.queue, names)
  const advice = nearest === null ? "" : `did you mean \`${nearest}\`? Otherwise `
  const message = `there is no queue ${lost.queue}; ${advice}give it topic patterns in \`bind\`, which creates it`
  throw new ModuleLoadError(lost.file, [{ message, at: locate(lost.file, ["queue"]) }])
}
