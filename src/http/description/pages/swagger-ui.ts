import css from "swagger-ui-dist/swagger-ui.css" with { type: "file" }
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" }
import { API_ELEMENT, CSS, JAVASCRIPT, type Page } from "./page.ts"

/**
 * Disables "Execute" for streams. Swagger UI shows a response only when it is complete, and a stream of
 * events never is.
 * Source: Swagger UI, "Plugin API", the selector allowTryItOutFor.
 */
const START = `const withoutStreams = {
  statePlugins: {
    spec: {
      wrapSelectors: {
        allowTryItOutFor: () => (state, path, method) =>
          !state.hasIn(["json", "paths", path, method, "responses", "200", "content", "text/event-stream"]),
      },
    },
  },
}

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#${API_ELEMENT}",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  plugins: [withoutStreams],
})
`

/**
 * Hides the empty column of links, which makes the page wider than a phone, because the API describes no links. In the
 * narrow tables of headers, the names of variables stay in one piece.
 */
const NARROW = `.swagger-ui .responses-table .response-col_links { display: none }
.swagger-ui .responses-inner { overflow-x: auto }
.swagger-ui .response-controls { flex-wrap: wrap }
.swagger-ui table.headers code { font-size: 10px; padding: 0 2px; white-space: nowrap }
`

/** The API reference with requests to try. */
export const SWAGGER_UI: Page = {
  path: "/docs",
  name: "Docs",
  title: "the API reference with requests to try (Swagger UI)",
  stylesheets: ["swagger-ui.css", "narrow.css"],
  scripts: ["swagger-ui-bundle.js", "start.js"],
  policy: "style-src 'self'",
  assets: {
    "swagger-ui.css": { contentType: CSS, content: () => Bun.file(css) },
    "narrow.css": { contentType: CSS, content: () => NARROW },
    "swagger-ui-bundle.js": { contentType: JAVASCRIPT, content: () => Bun.file(bundle) },
    "start.js": { contentType: JAVASCRIPT, content: () => START },
  },
}
