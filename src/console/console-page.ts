import { gzipSync } from "node:zlib"

/** A file of the console. */
export interface PageFile {
  readonly contentType: string
  readonly text: string
  /** The text compressed with gzip. */
  readonly gzip: Uint8Array<ArrayBuffer>
}

/** The console as it is served. */
export interface ConsolePage {
  readonly html: string
  /** By name. A name has a hash of the content, so a file never changes. */
  readonly files: ReadonlyMap<string, PageFile>
}

/** Loads nothing from other hosts, and runs nothing that is not a file of the service. Source: W3C CSP Level 3. */
export const CONSOLE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
}

let loading: Promise<ConsolePage> | null = null

/** Loads the console once. From the sources this bundles it, which takes a moment. */
export function loadConsole(): Promise<ConsolePage> {
  loading ??= load()
  return loading
}

async function load(): Promise<ConsolePage> {
  const { PAGE_FILES } = await import("./embedded-page.ts")
  return pageOf(PAGE_FILES)
}

/** Makes the page of its files. @param texts by name */
export function pageOf(texts: Readonly<Record<string, string>>): ConsolePage {
  const files = Object.entries(texts).map(([name, text]): [string, PageFile] => {
    const contentType = CONTENT_TYPES[name.split(".").at(-1) ?? ""] ?? "text/plain; charset=utf-8"
    return [name, { contentType, text, gzip: gzipSync(text) }]
  })
  return { html: htmlOf(files.map(([name]) => name)), files: new Map(files) }
}

/** An icon in the page itself: a square with two events. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' " +
  "fill='%230b6b6b'/%3E%3Cpath d='M4 5.5h8M4 10.5h5' stroke='%23fff' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E"

/** The URLs are relative, so the page works behind a proxy that adds a path prefix. */
const htmlOf = (names: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Event Broker</title>
<link rel="icon" href="${ICON}">
${names
  .filter((name) => name.endsWith(".css"))
  .map((name) => `<link rel="stylesheet" href="console/${name}">\n`)
  .join("")}</head>
<body>
<div id="console"></div>
<noscript>The console needs JavaScript. The command line shows the same: event-broker queues list.</noscript>
${names
  .filter((name) => name.endsWith(".js"))
  .map((name) => `<script type="module" src="console/${name}"></script>\n`)
  .join("")}</body>
</html>
`
