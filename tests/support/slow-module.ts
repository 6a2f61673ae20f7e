import type { ServiceFolder } from "./running-service.ts"

/** A handler module that does not finish loading until the file `go` is in its folder. The service is starting until then. */
export const slowModule = (folder: ServiceFolder, handler: string): string =>
  `while (!(await Bun.file(${JSON.stringify(folder.path)} + "/go").exists())) await Bun.sleep(5)
   export default { queue: "custom_events", on: { "*": async (event) => { ${handler} } } }`
