import { bundlePage } from "./page-files.ts" with { type: "macro" }

/** The files that the page of the console loads: their texts, by name. Import this file when they are needed first. */
export const PAGE_FILES: Readonly<Record<string, string>> = bundlePage()
