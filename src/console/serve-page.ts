/**
 * Serves the console for whoever works on it. Each request for the page bundles it as its files are then; every other request
 * goes to a running service. Arguments: URL of the service, port.
 */
import { CONSOLE_POLICY, pageOf } from "./console-page.ts"
import { bundlePage } from "./page-files.ts"

const [service = "http://127.0.0.1:8000", port = "8001"] = process.argv.slice(2)
if (!URL.canParse(service) || !/^\d+$/.test(port)) {
  await Bun.write(Bun.stderr, "usage: npm run dev:console -- [URL of the service] [port to listen on]\n")
  process.exit(2)
}

let page = pageOf({})

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  // The live stream is silent while no event is stored.
  idleTimeout: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url)
    if (pathname === "/console") {
      try {
        page = pageOf(bundlePage())
      } catch (error) {
        // A file as it is while somebody writes it.
        return new Response(String(error), { status: 500 })
      }
      const headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": CONSOLE_POLICY,
      }
      return new Response(page.html, { headers })
    }
    const file = page.files.get(pathname.replace("/console/", ""))
    if (file !== undefined) return new Response(file.text, { headers: { "Content-Type": file.contentType } })
    const { method, headers, body, signal } = request
    return fetch(service + pathname + search, {
      method,
      headers: own(headers),
      body,
      signal,
      decompress: false,
    })
  },
})

/** The service checks where a change comes from: to it, the page is its own. */
function own(headers: Headers): Headers {
  const passed = new Headers(headers)
  passed.set("host", new URL(service).host)
  passed.delete("origin")
  return passed
}

await Bun.write(Bun.stdout, `${server.url.href}console shows ${service}\n`)
