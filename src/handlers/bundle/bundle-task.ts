/** First argument of the process that bundles handler modules, in place of a command. */
export const BUNDLE_TASK = "bundle-modules-for-service"

/** The program that this process runs, without a command: the binary, or Bun with the entry's source. */
const programOf = (entry: string): readonly string[] =>
  entry.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, "--no-env-file", entry]

/** @param entry path of the entry's source, or its place in the binary */
export const bundleCommand = (entry: string): readonly string[] => [...programOf(entry), BUNDLE_TASK]
