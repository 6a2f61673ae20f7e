import manifest from "../package.json" with { type: "json" }

/** The version of this Event Broker. */
export const VERSION: string = manifest.version
