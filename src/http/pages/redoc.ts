import bundle from "redoc/bundles/redoc.standalone.js" with { type: "file" }
import { JAVASCRIPT, type Page } from "./page.ts"

/** The addresses are relative: the page works behind a proxy that puts a path before them. */
const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event Broker: the API</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="api"></div>
<script src="redoc/redoc.standalone.js"></script>
<script src="redoc/start.js"></script>
</body>
</html>
`

const START = `Redoc.init("openapi.json", { hideDownloadButton: false }, document.getElementById("api"))
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
  title: "The API, to be read (ReDoc)",
  html: HTML,
  policy: `style-src 'self' ${STYLES}; worker-src blob:`,
  assets: {
    "redoc.standalone.js": { contentType: JAVASCRIPT, content: withoutLogo },
    "start.js": { contentType: JAVASCRIPT, content: () => START },
  },
}
