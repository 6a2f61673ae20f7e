/** The bundler's own text for an import of a module that it has taken in, with and without a top-level await. */
const IMPORT = /\bPromise\.resolve\(\)\.then\((?=\(\) => (?:\(init_|exports_|__toESM\(require_))/g
const AWAITED_IMPORT = /\b(init_\w+\(\))\.then\((?=\(\) => (?:exports_|\(\{|__))/g

/** The object with the exports of a module. */
const EXPORTS = /\bvar (exports_\w+) = \{\};(?=\n__export\(\1,)/g

const FUNCTIONS = `
async function $importLater(take) { await null; return take() }
async function $importAfter(loaded, take) { await loaded; return take() }
`

const MAP_COMMENT = "\n//# debugId="

/**
 * Rewrites the imports of a bundle so that they depend on nothing that a handler module may have replaced, as imports
 * outside of a bundle: they use no method of `Promise`, and the exports inherit nothing, such as `then`.
 */
export function withNativeImports(code: string): string {
  const rewritten = code
    .replace(IMPORT, "$importLater(")
    .replace(AWAITED_IMPORT, "$importAfter($1, ")
    .replace(EXPORTS, "var $1 = { __proto__: null };")
  if (rewritten === code) return code
  // At the end, where they move no line that the source map describes.
  const end = rewritten.lastIndexOf(MAP_COMMENT)
  return end < 0 ? rewritten + FUNCTIONS : rewritten.slice(0, end) + FUNCTIONS + rewritten.slice(end)
}
