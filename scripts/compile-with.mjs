import { compile } from "./compile.mjs"

// For the image: compiles with the Bun that runs this, and the installed packages.
process.exit(await compile(process.execPath))
