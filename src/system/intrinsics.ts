/**
 * Built-ins as they are before any handler module is loaded. A worker's own code uses these where it runs between
 * functions of handlers: a module that replaces `JSON.parse` or `Promise.all` then changes only what the modules see. Other built-ins
 * are used as they are; if one fails, the worker is replaced (`workers/inside/last-words.ts`).
 */
export const { parse: parseJson, stringify: toJson } = JSON
export const { assign, hasOwn, keys } = Object
export const now: () => number = performance.now.bind(performance)
export const inMicrotask: typeof queueMicrotask = queueMicrotask
export const inNextTurn: typeof setImmediate = setImmediate
export const inTime: (run: () => void, delayMs: number) => unknown = setTimeout
export const NativePromise: PromiseConstructor = Promise

/** A `Map` with methods of its own: what is assigned to `Map.prototype` does not change them. */
export class OwnMap<Key, Value> extends Map<Key, Value> {}

for (const [name, method] of Object.entries(Object.getOwnPropertyDescriptors(Map.prototype))) {
  if (name !== "constructor") Object.defineProperty(OwnMap.prototype, name, method)
}
Object.defineProperty(OwnMap.prototype, Symbol.iterator, { value: Map.prototype.entries })
