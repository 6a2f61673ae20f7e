import { Database } from "bun:sqlite"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DATABASE_FILE } from "../../src/engine/embedded/store/database.ts"

const PAGE_BYTES = 4_096

/** Changes rows of a store without updating their checksums. */
export function changeRows(dataDir: string, ...statements: readonly string[]): void {
  using database = new Database(join(dataDir, DATABASE_FILE))
  for (const sql of statements) database.run(sql)
}

/** Flips one bit in the file of a closed store. */
export function flipBit(dataDir: string, offset: number, bit = 0): void {
  const file = join(dataDir, DATABASE_FILE)
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset)
  writeFileSync(file, bytes)
}

/** Flips one bit, `at` bytes after the first occurrence of this text in the file. */
export function flipBitOf(dataDir: string, text: string, at = 0, bit = 0): void {
  const offset = readFileSync(join(dataDir, DATABASE_FILE)).indexOf(text)
  if (offset === -1) throw new Error(`the store's file does not have ${text}`)
  flipBit(dataDir, offset + at, bit)
}

/**
 * Breaks the page list of each large body that contains this text in its middle: each page starts with the
 * number of the next.
 * Source: sqlite.org/fileformat2.html, section 1.6.
 */
export function breakBodies(dataDir: string, middle: string): void {
  const file = join(dataDir, DATABASE_FILE)
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf(middle); at !== -1; at = bytes.indexOf(middle, at + 1)) {
    bytes.writeUInt32BE(0xffff_ffff, Math.floor(at / PAGE_BYTES) * PAGE_BYTES)
  }
  writeFileSync(file, bytes)
}

/** Overwrites a page of a closed store. The first page is number 1. */
export function breakPage(dataDir: string, number: number): void {
  const file = join(dataDir, DATABASE_FILE)
  const bytes = readFileSync(file)
  bytes.fill(0xff, (number - 1) * PAGE_BYTES, number * PAGE_BYTES)
  writeFileSync(file, bytes)
}
