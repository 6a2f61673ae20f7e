/**
 * Bundles the page of the console, as a macro: when the executable is built, or, from the sources, when the page is first
 * asked for. In a process of its own, because a macro can't call `Bun.build`.
 * @returns the text of each file by its name, which has a hash of the text
 * @throws {Error} if the page can't be bundled, or is too large
 */
export function bundlePage(): Record<string, string> {
  const command = [process.execPath, "--no-env-file", `${import.meta.dir}/bundle-page.ts`]
  const { exitCode, stdout, stderr } = Bun.spawnSync(command)
  if (exitCode !== 0) throw new Error(`the console can't be bundled: ${stderr.toString()}`)
  return JSON.parse(stdout.toString())
}
