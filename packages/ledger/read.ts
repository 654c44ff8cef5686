/**
 * Reading JSON of a provider, field by field. A field that is absent or null is null; a field of another type than the
 * provider documents is a `ShapeError`, and quarantines the event: nothing is guessed.
 */

export type Json = Readonly<Record<string, unknown>>

/** Thrown for a field that isn't as documented. The message names the field, and never its value. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

/** Longest id that is kept. Providers document 255 at most. */
const maxIdLength = 255
/** Longest text that is kept, in UTF-16 code units: of a longer one its beginning. So a count of objects bounds their bytes too. */
const maxTextLength = 1_024
const maxDepth = 64

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * @throws ShapeError unless the bytes are a JSON object in UTF-8, nested 64 deep at most
 */
export function parseBody(body: Uint8Array): Json {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new ShapeError('the body is not JSON')
  }
  if (!isObject(parsed)) throw new ShapeError('the body is not a JSON object')
  if (isDeeper(parsed, maxDepth)) throw new ShapeError('the body is nested too deep')
  return parsed
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some(part => isDeeper(part, depth - 1))
}

/** An object at a path of names; null where the path ends early. */
export function objectAt(value: Json, ...path: readonly string[]): Json | null {
  let at: unknown = value
  for (const name of path) {
    if (at === undefined || at === null) return null
    if (!isObject(at)) throw new ShapeError(`a field above ${name} is no object`)
    at = at[name]
  }
  if (at === undefined || at === null) return null
  if (!isObject(at)) throw new ShapeError(`${path.at(-1)} is no object`)
  return at
}

/** A text, or the beginning of one that is longer than is kept. */
export function textAt(value: Json, name: string): string | null {
  const text = wholeTextAt(value, name)
  return text === null ? null : keptText(text)
}

/** Cut between two characters, so that the same text always keeps the same. */
function keptText(text: string): string {
  if (text.length <= maxTextLength) return text
  const last = text.codePointAt(maxTextLength - 1)!
  return text.slice(0, last > 0xffff ? maxTextLength - 1 : maxTextLength)
}

/** A text that is read on, and never kept: a part of it would say something else. */
export function wholeTextAt(value: Json, name: string): string | null {
  const found = value[name]
  if (found === undefined || found === null) return null
  if (typeof found !== 'string') throw new ShapeError(`${name} is no text`)
  return found
}

/**
 * A tenant's own id of something. Some tenants take a mail address for it: that is personal data, which no attribute may hold, so it is left
 * out.
 */
export function keptReference(reference: string | null): string | null {
  return reference?.includes('@') ? null : reference
}

/** A link: an id, or an object with one where the provider expanded it. Shopify's numbers count too. */
export function idAt(value: Json, name: string): string | null {
  const found = value[name]
  const id = isObject(found) ? found.id : found
  if (id === undefined || id === null || id === '') return null
  return checkedId(id, name)
}

/** @throws ShapeError where there is no id */
export function requiredId(value: Json, name = 'id'): string {
  const id = idAt(value, name)
  if (id === null) throw new ShapeError(`${name} is missing`)
  return id
}

function checkedId(id: unknown, name: string): string {
  const text = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id
  if (typeof text !== 'string' || text.length > maxIdLength || text.includes('\u0000')) {
    throw new ShapeError(`${name} is no id of at most ${maxIdLength} characters`)
  }
  return text
}

export function flagAt(value: Json, name: string): boolean | null {
  const found = value[name]
  if (found === undefined || found === null) return null
  if (typeof found !== 'boolean') throw new ShapeError(`${name} is neither true nor false`)
  return found
}

export function integerAt(value: Json, name: string): number | null {
  const found = value[name]
  if (found === undefined || found === null) return null
  if (typeof found !== 'number' || !Number.isSafeInteger(found)) throw new ShapeError(`${name} is no integer`)
  return found
}

/** Seconds since 1970, as milliseconds. */
export function secondsAt(value: Json, name: string): number | null {
  const found = integerAt(value, name)
  return found === null ? null : found * 1000
}

/** ISO 8601 with an offset, as milliseconds since 1970. */
export function timeAt(value: Json, name: string): number | null {
  const found = wholeTextAt(value, name)
  if (found === null || found === '') return null
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(found) ? Date.parse(found) : Number.NaN
  if (Number.isNaN(at)) throw new ShapeError(`${name} is no time`)
  return at
}

export function listAt(value: Json, name: string): readonly Json[] {
  const found = value[name]
  if (found === undefined || found === null) return []
  if (!Array.isArray(found) || !found.every(isObject)) throw new ShapeError(`${name} is no list of objects`)
  return found
}

/** One of the words that are known, or null. */
export function wordAt<W extends string>(value: Json, name: string, words: readonly W[]): W | null {
  const found = value[name]
  return words.find(word => word === found) ?? null
}
