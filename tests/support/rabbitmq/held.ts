import type { RabbitMqNode } from "./node.ts"

/** Connections, channels and consumers that the broker counts. */
export async function held(node: RabbitMqNode): Promise<readonly number[]> {
  const count = async (...args: string[]) => {
    const lines = await node.control(...args, "--no-table-headers")
    return lines.split("\n").filter((line) => line.trim() !== "").length
  }
  return [
    await count("list_connections", "pid"),
    await count("list_channels", "pid"),
    await count("list_consumers"),
  ]
}
