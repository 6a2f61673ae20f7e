import bundle from "redoc/bundles/redoc.standalone.js" with { type: "file" }
import { API_ELEMENT, JAVASCRIPT, type Page } from "./page.ts"

const START = `Redoc.init("openapi.json", { hideDownloadButton: false }, document.getElementById("${API_ELEMENT}"))
`

/**
 * Hashes of style elements: the empty text that they are added with, and the style of the search. No other
 * inline style is applied.
 */
const STYLES =
  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

/** Redoc would load its logo from another host. */
async function withoutLogo(): Promise<string> {
  return (await Bun.file(bundle).text()).replaceAll("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,")
}

/** The API reference to read. */
export const REDOC: Page = {
  path: "/redoc",
  name: "Redoc",
  title: "the API reference (Redoc)",
  stylesheets: [],
  scripts: ["redoc.standalone.js", "start.js"],
  policy: `style-src 'self' ${STYLES}; worker-src blob:`,
  assets: {
    "redoc.standalone.js": { contentType: JAVASCRIPT, content: withoutLogo },
    "start.js": { contentType: JAVASCRIPT, content: () => START },
  },
}
