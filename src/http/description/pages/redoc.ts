import bundle from "redoc/bundles/redoc.standalone.js" with { type: "file" }
import { API_ELEMENT, JAVASCRIPT, type Page } from "./page.ts"

const START = `Redoc.init("openapi.json", { hideDownloadButton: false }, document.getElementById("${API_ELEMENT}"))
`

/** Style elements that are empty when they are added, and the one of the search. No other style in the page counts. */
const STYLES =
  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

/** The mark of its makers would be loaded from their host. */
async function withoutLogo(): Promise<string> {
  return (await Bun.file(bundle).text()).replaceAll("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,")
}

/** The API, to be read. */
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
