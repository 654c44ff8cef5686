import {
  bufferOf,
  closeBracket,
  comma,
  endOfString,
  nameAt,
  nextItem,
  openBrace,
  openBracket,
  quote,
  readScalar,
  readString,
  skipBlank,
  skipRest,
  skipValue,
  startOf,
  valueAfter,
} from './json-bytes.ts'

/**
 * Finds members in a JSON text without parsing the rest, wherever they stand, in one pass for all paths: each byte is
 * read once or twice, whatever the text. On text that isn't JSON it finds something or nothing, and never throws.
 * Where a name stands twice in an object, the first counts.
 */

/** Names from the root on. `0` is an array's first element, `*` each of its elements. */
export type MemberPath = readonly string[]

/** The result of a pass. */
export interface Found {
  /** The text of each path without `*`, in the order asked for; undefined where no text, number or boolean stands. */
  readonly values: readonly (string | undefined)[]
  /** For each list: a row for each element, with the texts of the list's members. */
  readonly lists: readonly (readonly Row[])[]
}
export type Row = readonly (string | undefined)[]

/** The elements of one array (or of arrays inside arrays), and which of their members are wanted. */
export interface ListPaths {
  /** Ends in `*`. */
  readonly elements: MemberPath
  /** From the element on; an empty path is the element itself. */
  readonly members: readonly MemberPath[]
  /** Rows with a text that are kept, each once, and no more than this; absent: every row. */
  readonly distinct?: number
}

/** Rows kept of a list of which every row counts. A longer list ends in a row without any text, as a sign that it was cut. */
const maxRows = 10_000

/** Members of one object that can be wanted: a bit for each. */
const maxNames = 31

/** A place in the text on the way to a wanted member. */
interface Place {
  names: string[]
  places: Place[]
  first: Place | undefined
  each: Place | undefined
  /** Which lists' rows begin here: this is an element. */
  readonly lists: number[]
  /** Where the text goes: into the row of a list, or into the values (list undefined). */
  readonly slots: { readonly list: number | undefined; readonly index: number }[]
}

interface Pass {
  readonly body: Buffer
  readonly end: number
  readonly values: (string | undefined)[]
  lists: Row[][]
  /** The rows under way, and of lists of distinct rows those that are kept, as text. */
  rows: ((string | undefined)[] | undefined)[]
  known: (Set<string> | undefined)[]
  bare: readonly Row[]
  readonly paths: readonly ListPaths[]
  /** Values not met yet. At 0 the pass ends, unless there are lists, which end with the text. */
  open: number
}

/** Makes a scan for these paths ready once: asking about a body compiles nothing. */
export function openScan(
  values: readonly MemberPath[],
  lists: readonly ListPaths[] = [],
): (body: Uint8Array) => Found {
  const root = aPlace()
  for (const [index, path] of values.entries()) placeAt(root, path).slots.push({ list: undefined, index })
  for (const [list, { elements, members }] of lists.entries()) {
    const element = placeAt(root, elements)
    element.lists.push(list)
    for (const [index, path] of members.entries()) placeAt(element, path).slots.push({ list, index })
  }
  const none: Found = { values: values.map(() => undefined), lists: lists.map(() => []) }
  return body => {
    const bytes = bufferOf(body)
    const end = bytes.length
    const start = skipBlank(bytes, startOf(bytes), end)
    if (bytes[start] !== openBrace && bytes[start] !== openBracket) return none
    const pass: Pass = {
      body: bytes,
      end,
      values: new Array<string | undefined>(values.length).fill(undefined),
      open: values.length,
      lists: nothing,
      rows: nothing,
      known: nothing,
      bare: nothing,
      paths: lists,
    }
    if (lists.length > 0) beginLists(pass)
    if (pass.open > 0) walkText(root, start, pass)
    return pass
  }
}

const nothing: never[] = []

/** Lists end with the text, so that the pass does too. */
function beginLists(pass: Pass): void {
  pass.open = Number.MAX_SAFE_INTEGER
  pass.lists = pass.paths.map(() => [])
  pass.rows = pass.paths.map(() => undefined)
  pass.bare = pass.paths.map(({ members }) => members.map(() => undefined))
  pass.known = pass.paths.map(({ distinct }) => (distinct === undefined ? undefined : new Set()))
}

/** The text of a string or number (or true, false) at a path; undefined for anything else. */
export function scanMember(body: Uint8Array, path: MemberPath): string | undefined {
  return openScan([path])(body).values[0]
}

/** The first name of the root object that isn't among those to be passed over. */
export function scanFirstName(body: Uint8Array, passOver: readonly string[]): string | undefined {
  const bytes = bufferOf(body)
  const end = bytes.length
  let at = skipBlank(bytes, startOf(bytes), end)
  if (bytes[at] !== openBrace) return undefined
  at = skipBlank(bytes, at + 1, end)
  while (at < end && bytes[at] === quote) {
    const nameEnd = endOfString(bytes, at, end)
    const name = readString(bytes, at, nameEnd)
    if (name !== undefined && !passOver.includes(name)) return name
    at = nextItem(bytes, skipValue(bytes, valueAfter(bytes, nameEnd, end), end), end)
  }
  return undefined
}

function aPlace(): Place {
  return { names: [], places: [], first: undefined, each: undefined, lists: [], slots: [] }
}

function placeAt(root: Place, path: MemberPath): Place {
  let at = root
  for (const segment of path) {
    if (segment === '*') at = at.each ??= aPlace()
    else at = memberPlace(at, segment)
  }
  return at
}

/** `0` is an array's first element, and the member of that name where the text has an object. */
function memberPlace(at: Place, name: string): Place {
  const known = at.names.indexOf(name)
  const place = known < 0 ? aPlace() : at.places[known]!
  if (known < 0) {
    if (at.names.length === maxNames)
      throw new TypeError(`more than ${maxNames} members of one object are wanted`)
    at.names.push(name)
    at.places.push(place)
  }
  if (name === '0') at.first = place
  return place
}

/** JSON texts one after the other (JSON Lines), or one that isn't an array, are elements of a list at the root too. */
function walkText(root: Place, start: number, pass: Pass): void {
  const { body, end } = pass
  let next = root.names.length > 0 || body[start] === openBracket ? walk(root, start, pass) : start
  if (!root.each || body[start] === openBracket) return
  for (let at = start; at < end && body[at] === openBrace; at = skipBlank(body, next, end)) {
    next = walkElement(root.each, at, pass)
  }
}

/** Reads the value at `start` as far as its place asks for. @returns just past it, or the end when all is found */
function walk(place: Place, start: number, pass: Pass): number {
  const byte = pass.body[start]
  if (byte === openBrace && place.names.length > 0) return walkObject(place, start, pass)
  if (byte === openBracket && (place.each || place.first)) return walkArray(place, start, pass)
  const next = skipValue(pass.body, start, pass.end)
  if (place.slots.length > 0) keep(place, readScalar(pass.body, start, next), pass)
  return pass.open > 0 ? next : pass.end
}

function walkObject({ names, places }: Place, start: number, pass: Pass): number {
  const { body, end } = pass
  // A bit for each name that was met.
  let met = 0
  let left = names.length
  let at = skipBlank(body, start + 1, end)
  while (at < end && body[at] === quote) {
    const nameEnd = endOfString(body, at, end)
    const value = valueAfter(body, nameEnd, end)
    if (value >= end) return end
    const which = nameAt(body, at + 1, nameEnd - 1, names, met)
    let valueEnd: number
    if (which >= 0) {
      met |= 1 << which
      left--
      valueEnd = walk(places[which]!, value, pass)
      if (left === 0) return skipRest(body, valueEnd, end)
    } else valueEnd = skipValue(body, value, end)
    const next = skipBlank(body, valueEnd, end)
    if (body[next] !== comma) return Math.min(next + 1, end)
    at = skipBlank(body, next + 1, end)
  }
  return Math.min(at + 1, end)
}

function walkArray({ each, first }: Place, start: number, pass: Pass): number {
  const { body, end } = pass
  let at = skipBlank(body, start + 1, end)
  if (body[at] === closeBracket) return at + 1
  if (first) {
    const next = walk(first, at, pass)
    if (next >= end) return end
    if (!each) return skipRest(body, next, end)
  }
  while (at < end) {
    const valueEnd = walkElement(each!, at, pass)
    const next = skipBlank(body, valueEnd, end)
    if (body[next] !== comma) return Math.min(next + 1, end)
    at = skipBlank(body, next + 1, end)
  }
  return end
}

function walkElement(place: Place, start: number, pass: Pass): number {
  const { lists } = place
  for (let i = 0; i < lists.length; i++) pass.rows[lists[i]!] = undefined
  const next = walk(place, start, pass)
  for (let i = 0; i < lists.length; i++) keepRow(lists[i]!, pass)
  return next
}

function keep(place: Place, text: string | undefined, pass: Pass): void {
  const { slots } = place
  for (let i = 0; i < slots.length; i++) {
    const { list, index } = slots[i]!
    if (list === undefined) {
      pass.values[index] = text
      pass.open--
    } else if (text !== undefined) keepInRow(list, index, text, pass)
  }
}

function keepInRow(list: number, index: number, text: string, pass: Pass): void {
  const row = pass.rows[list]
  if (row) row[index] = text
  else if (pass.bare[list]!.length === 1) pass.rows[list] = [text]
  else {
    const begun = pass.bare[list]!.slice()
    begun[index] = text
    pass.rows[list] = begun
  }
}

/** Elements without any text share a row, and add none to a distinct list: a long array of them costs little. */
function keepRow(list: number, { lists, rows, known, paths, bare }: Pass): void {
  const kept = lists[list]!
  const row = rows[list]
  const keys = known[list]
  if (!keys) {
    if (kept.length <= maxRows) kept.push(row && kept.length < maxRows ? row : bare[list]!)
    return
  }
  if (!row || keys.size >= paths[list]!.distinct!) return
  const key = row.length === 1 ? row[0]! : JSON.stringify(row)
  if (!keys.has(key)) kept.push(row)
  keys.add(key)
}
