import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const ROOT = join(import.meta.dir, "..")
const PAGES = ["*.md", "docs/**/*.md", "examples/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort()

const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8")

/** The text without fenced code, where a bracket is no link and a # no heading. */
const proseOf = (page: string): string => textOf(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, "")

/** The anchors of a page, as GitHub makes them from its headings. */
const anchorsOf = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  )

/** The relative links of a page, each with the file that it leads to. */
const linksOf = (page: string) =>
  [...proseOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = "", anchor]) => ({
    link: anchor === undefined ? path : `${path}#${anchor}`,
    target: path === "" ? page : normalize(join(dirname(page), path)),
    anchor,
  }))

const leadsNowhere = ({ target, anchor }: ReturnType<typeof linksOf>[number]): boolean =>
  !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor))

describe.each(PAGES)("%s", (page) => {
  test("links to files and headings that exist", () => {
    expect(linksOf(page).filter(leadsNowhere)).toEqual([])
  })

  test("is in plain English", () => {
    expect(proseOf(page).match(/\b(lest|all the same|need not|would else|whom)\b/gi)).toBeNull()
  })
})

test("no source has those words either, and no doc comment begins with a question word", () => {
  const sources = [...new Bun.Glob("src/**/*.{ts,tsx}").scanSync(ROOT)]
  const wrong = sources.flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8")
    const found = text.match(
      /\b(lest|all the same|need not|would else|whom)\b|\/\*\*[\s*]*(Who|What|Where|Whether)\b/g,
    )
    return (found ?? []).map((words) => `${path}: ${words}`)
  })
  expect(sources.length).toBeGreaterThan(0)
  expect(wrong).toEqual([])
})

test("the README lists every page of docs/", () => {
  const listed = linksOf("README.md").map(({ target }) => target)
  const pages = PAGES.filter((page) => /^docs\/[^/]+$/.test(page))
  expect(pages.filter((page) => !listed.includes(page))).toEqual([])
})

describe("docs/architecture.md", () => {
  const page = textOf("docs/architecture.md")

  test("names every folder of src/", () => {
    const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${name}/`)
    expect(folders.filter((folder) => !page.includes(folder))).toEqual([])
  })

  test("names files and folders that exist", () => {
    const paths = [...page.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = ""]) => path)
    const isThere = (path: string): boolean =>
      ["", "src"].some((top) => existsSync(join(ROOT, top, path))) ||
      // The second file of a row is in the folder of the first.
      [...new Bun.Glob(`src/**/${path}`).scanSync(ROOT)].length > 0
    expect(paths.length).toBeGreaterThan(20)
    expect(paths.filter((path) => !isThere(path))).toEqual([])
  })
})
