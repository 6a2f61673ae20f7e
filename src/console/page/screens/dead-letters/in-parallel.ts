/** Requests at a time: enough to hide the way to the service, and few enough to leave it to others. */
const AT_A_TIME = 4

/** Does something for each item, a few at a time, in order. Rejects as soon as one does. */
export async function inParallel<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values()
  const work = async (): Promise<void> => {
    for (const item of rest) await run(item)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
}
