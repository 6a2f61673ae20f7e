import { join } from "node:path"
import type { Bundling } from "../../src/handlers/module-set.ts"

/** Bundles handler modules from the sources of the service. */
export const BUNDLING: Bundling = {
  command: [process.execPath, join(import.meta.dir, "../../src/handlers/bundle/bundle-process.ts")],
  environment: {},
}
