/** Bundles the page of the console, and writes its files to standard output as JSON. Run by `page-files.ts`. */
import { gzipSync } from "node:zlib"

/** Most bytes of all files together, compressed: a console that opens at once, also over a slow line. */
const MAX_GZIP_BYTES = 100_000

const { outputs } = await Bun.build({
  entrypoints: [`${import.meta.dir}/page/main.tsx`],
  target: "browser",
  minify: true,
  define: { "process.env.NODE_ENV": '"production"' },
  naming: "console-[hash].[ext]",
})
const files: Record<string, string> = {}
for (const output of outputs) files[output.path.replace(/^.*\//, "")] = await output.text()

const size = Object.values(files).reduce((sum, text) => sum + gzipSync(text).length, 0)
if (size > MAX_GZIP_BYTES) {
  throw new Error(`the console has ${size} bytes with gzip, and may have ${MAX_GZIP_BYTES}`)
}
await Bun.write(Bun.stdout, JSON.stringify(files))
