/** Entry of the binary. It loads the bundling of handler modules without the rest of the service, which takes longer to load. */
import { BUNDLE_TASK } from "./handlers/bundle/bundle-task.ts"

if (process.argv[2] === BUNDLE_TASK) await import("./handlers/bundle/bundle-process.ts")
else await import("./main.ts")
