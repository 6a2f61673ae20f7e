import { canonicalWords, splitWords } from "./topic-words.ts"

/** Bounds of a tree that holds patterns from clients. */
export interface TopicTreeLimits {
  /** Most nodes, which bounds the memory. A pattern adds about one node per distinct word. */
  readonly maxNodes: number
  /**
   * Most nodes far behind a `#`, which bounds the time of a match: each word of a key can visit all of them
   * again. Of all other nodes, a word visits only a few, whatever the patterns.
   */
  readonly maxCostlyNodes: number
}

/** The tree has reached a limit. The refused pattern was not added, not even in part. */
export class TopicTreeFullError extends Error {
  override readonly name = "TopicTreeFullError"
}

/** A value of the tree. Counts its patterns, and marks the last match that found it. */
interface Entry<Value> {
  readonly value: Value
  uses: number
  foundBy: number
}

interface Node<Value> {
  readonly parent: Node<Value> | null
  readonly word: string
  readonly wildcardsAbove: number
  /** Number of words behind the first `#` above; 0 if there is none. */
  readonly behindHash: number
  /**
   * Null if there are none: most nodes end a pattern, and an empty map takes more memory than the rest of the
   * node.
   */
  children: Map<string, Node<Value>> | null
  star: Node<Value> | null
  hash: Node<Value> | null
  /**
   * The values of the pattern that ends here, with the number of times each was added; null if there are
   * none.
   */
  entries: Map<Entry<Value>, number> | null
  visitedAt: number
}

const UNLIMITED: TopicTreeLimits = { maxNodes: Infinity, maxCostlyNodes: Infinity }

/**
 * Finds the values whose topic patterns match a routing key: `*` is one word, `#` any number of words,
 * including none. Patterns share their common beginnings. A match walks all of them at once, word by word,
 * and visits a node at most once per word, so its cost depends on the paths that match, not on the number of
 * patterns or values. Source of the rules: AMQP 0-9-1, section 3.1.3.3, "The topic exchange type".
 */
export class TopicTree<Value> {
  readonly #limits: TopicTreeLimits
  readonly #root: Node<Value> = newNode<Value>(null, "")
  readonly #entries = new Map<Value, Entry<Value>>()
  #nodeCount = 0
  #costlyCount = 0
  /** Marks visited nodes: each match, and each of its words, has a new number. */
  #visit = 0

  /** @param limits Default: none, for patterns from the service's own configuration. */
  constructor(limits: TopicTreeLimits = UNLIMITED) {
    this.#limits = limits
  }

  /** Number of nodes besides the root: 0 if the tree is empty. */
  get nodeCount(): number {
    return this.#nodeCount
  }

  /**
   * Adds a value under a pattern. A value that is added twice has to be removed twice.
   * @throws {TopicTreeFullError}
   */
  add(pattern: string, value: Value): void {
    let node = this.#root
    try {
      for (const word of canonicalWords(pattern)) node = childOf(node, word) ?? this.#grow(node, word)
    } catch (error) {
      this.#prune(node)
      throw error
    }
    const entry = this.#entries.get(value) ?? { value, uses: 0, foundBy: 0 }
    this.#entries.set(value, entry)
    entry.uses++
    node.entries ??= new Map()
    node.entries.set(entry, (node.entries.get(entry) ?? 0) + 1)
  }

  /** Undoes one `add`. Does nothing if there was none. */
  remove(pattern: string, value: Value): void {
    let node: Node<Value> | undefined = this.#root
    for (const word of canonicalWords(pattern)) node = node && childOf(node, word)
    const entry = this.#entries.get(value)
    const count = entry && node?.entries?.get(entry)
    if (!node?.entries || entry === undefined || count === undefined) return
    if (count > 1) node.entries.set(entry, count - 1)
    else node.entries.delete(entry)
    if (node.entries.size === 0) node.entries = null
    if (--entry.uses === 0) this.#entries.delete(value)
    this.#prune(node)
  }

  /** Returns the values with at least one matching pattern, each once, in no particular order. */
  match(routingKey: string): Value[] {
    const found: Value[] = []
    const thisMatch = ++this.#visit
    /**
     * The `#` nodes reached so far. Each stays active to the end of the key, because `#` matches any number
     * of words.
     */
    const hashes: Node<Value>[] = []
    let reached: Node<Value>[] = []
    const enter = (node: Node<Value> | undefined): void => {
      if (node === undefined || node.visitedAt === this.#visit) return
      node.visitedAt = this.#visit
      reached.push(node)
      const { hash } = node
      if (hash === null || hash.visitedAt >= thisMatch) return
      hash.visitedAt = thisMatch
      collect(hash, thisMatch, found)
      if (hash.children !== null) hashes.push(hash)
    }
    enter(this.#root)
    for (const word of splitWords(routingKey)) {
      this.#visit++
      const [active, hashCount] = [reached, hashes.length]
      reached = []
      for (const { children, star } of active) {
        if (children !== null) enter(children.get(word))
        if (star !== null) enter(star)
      }
      // A `#` that this word reached takes part from the next word on.
      for (let index = 0; index < hashCount; index++) enter(hashes[index]?.children?.get(word))
      if (reached.length === 0 && hashes.length === 0) break
    }
    for (const node of reached) collect(node, thisMatch, found)
    return found
  }

  #grow(parent: Node<Value>, word: string): Node<Value> {
    const node = newNode(parent, word)
    const { maxNodes, maxCostlyNodes } = this.#limits
    if (this.#nodeCount >= maxNodes) {
      throw new TopicTreeFullError(`all topics together reach the limit of ${maxNodes} distinct words`)
    }
    if (isCostly(node) && this.#costlyCount >= maxCostlyNodes) {
      throw new TopicTreeFullError(
        `all topics together reach the limit of ${maxCostlyNodes} distinct words far behind a #`,
      )
    }
    this.#nodeCount++
    if (isCostly(node)) this.#costlyCount++
    if (word === "*") parent.star = node
    else if (word === "#") parent.hash = node
    else {
      parent.children ??= new Map()
      parent.children.set(word, node)
    }
    return node
  }

  /** Removes a node that no pattern uses any more, and its ancestors that no pattern uses either. */
  #prune(from: Node<Value>): void {
    let node = from
    while (node.parent !== null && isUseless(node)) {
      const { parent, word } = node
      if (word === "*") parent.star = null
      else if (word === "#") parent.hash = null
      else if (parent.children?.delete(word) && parent.children.size === 0) parent.children = null
      this.#nodeCount--
      if (isCostly(node)) this.#costlyCount--
      node = parent
    }
  }
}

function newNode<Value>(parent: Node<Value> | null, word: string): Node<Value> {
  const behindHash =
    parent !== null && (parent.behindHash > 0 || parent.word === "#") ? parent.behindHash + 1 : 0
  const wildcardsAbove =
    (parent?.wildcardsAbove ?? 0) + (parent?.word === "#" || parent?.word === "*" ? 1 : 0)
  const [children, star, hash, entries] = [null, null, null, null]
  return { parent, word, wildcardsAbove, behindHash, children, star, hash, entries, visitedAt: 0 }
}

/**
 * Returns whether a node is far behind a `#`: it has more words or wildcards above it than those in `#.word`,
 * `#.word.#` and `#.word.word.#`.
 */
const isCostly = <Value>({ behindHash, wildcardsAbove }: Node<Value>): boolean =>
  behindHash > 3 || (behindHash > 0 && wildcardsAbove > 1)

function childOf<Value>({ star, hash, children }: Node<Value>, word: string): Node<Value> | undefined {
  if (word === "*") return star ?? undefined
  return word === "#" ? (hash ?? undefined) : children?.get(word)
}

const isUseless = <Value>({ entries, children, star, hash }: Node<Value>): boolean =>
  entries === null && children === null && star === null && hash === null

function collect<Value>({ entries }: Node<Value>, match: number, found: Value[]): void {
  if (entries === null) return
  for (const entry of entries.keys()) {
    if (entry.foundBy === match) continue
    entry.foundBy = match
    found.push(entry.value)
  }
}
