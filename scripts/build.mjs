import { compile } from "./compile.mjs"
import { ensureToolchain } from "./toolchain.mjs"

process.exit(await compile(ensureToolchain()))
