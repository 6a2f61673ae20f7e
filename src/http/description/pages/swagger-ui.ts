import css from "swagger-ui-dist/swagger-ui.css" with { type: "file" }
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" }
import { API_ELEMENT, CSS, JAVASCRIPT, type Page } from "./page.ts"

const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#${API_ELEMENT}",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
`

/** The API, to be read and tried. */
export const SWAGGER_UI: Page = {
  path: "/docs",
  name: "Docs",
  title: "the API reference with requests to try (Swagger UI)",
  stylesheets: ["swagger-ui.css"],
  scripts: ["swagger-ui-bundle.js", "start.js"],
  policy: "style-src 'self'",
  assets: {
    "swagger-ui.css": { contentType: CSS, content: () => Bun.file(css) },
    "swagger-ui-bundle.js": { contentType: JAVASCRIPT, content: () => Bun.file(bundle) },
    "start.js": { contentType: JAVASCRIPT, content: () => START },
  },
}
