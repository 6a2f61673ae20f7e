import { resolve } from "node:path"

const INLINE_MAP = /(?<=\/\/# sourceMappingURL=data:application\/json;base64,)[A-Za-z0-9+/=]+/

/**
 * Writes the files of a bundle's source map as absolute paths, which the stacks of its errors then have, and leaves out
 * their text.
 */
export const withAbsoluteSources = (code: string): string =>
  code.replace(INLINE_MAP, (encoded) => {
    const map: { readonly sources: readonly string[] } = JSON.parse(Buffer.from(encoded, "base64").toString())
    const sources = map.sources.map((path) => resolve(path))
    return Buffer.from(JSON.stringify({ ...map, sources, sourcesContent: sources.map(() => "") })).toString(
      "base64",
    )
  })
