/** Gives the tests the variables that handlers see in the service. `bunfig.toml` loads this file before them. */
import { existsSync, readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import { handlerEnvironment } from "event-broker/handler-environment"

const file = existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {}
const visible = handlerEnvironment({ ...file, ...process.env })
for (const name of Object.keys(process.env)) if (!(name in visible)) delete process.env[name]
Object.assign(process.env, visible)
