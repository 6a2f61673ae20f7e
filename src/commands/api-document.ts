import type { Command } from "commander"
import { printJson } from "./output.ts"
import { askingService, ServiceClient, type ServiceOptions } from "./service-client.ts"

export function addApiDocument(program: Command): void {
  const command = program
    .command("openapi")
    .description("print the OpenAPI document of a service, or the AsyncAPI document of its messages")
    .option("--async", "print the AsyncAPI document")
  askingService(command).action(async (options: ServiceOptions & { readonly async?: boolean }) => {
    printJson(await new ServiceClient(options).ask(options.async ? "/asyncapi.json" : "/openapi.json"))
  })
}
