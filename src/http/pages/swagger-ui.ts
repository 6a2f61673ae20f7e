import css from "swagger-ui-dist/swagger-ui.css" with { type: "file" }
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" }
import { CSS, JAVASCRIPT, type Page } from "./page.ts"

/** The addresses are relative: the page works behind a proxy that puts a path before them. */
const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event Broker: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
`

/** The API, to be read and tried. */
export const SWAGGER_UI: Page = {
  path: "/docs",
  title: "The API, to be tried (Swagger UI)",
  html: HTML,
  policy: "style-src 'self'",
  assets: {
    "swagger-ui.css": { contentType: CSS, content: () => Bun.file(css) },
    "swagger-ui-bundle.js": { contentType: JAVASCRIPT, content: () => Bun.file(bundle) },
    "start.js": { contentType: JAVASCRIPT, content: () => START },
  },
}
