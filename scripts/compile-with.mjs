import { compile } from "./compile.mjs"

// For the image: with the Bun that runs this, and the packages that are installed.
process.exit(await compile(process.execPath))
