import type { Path } from '@fairlead/wire/declared/rule'
import { z } from 'zod'

/** A fault in a document: its place, and a sentence that says what to do. */
export interface Fault {
  readonly path: Path
  readonly message: string
}

/** zod's findings as sentences for the author of the document; each unknown field is a fault of its own. */
export function faultsOf(error: z.ZodError, schema: z.ZodType, document: unknown): readonly Fault[] {
  return error.issues.flatMap(issue => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') {
      const known = fieldsAt(schema, path)
      return issue.keys.map(key => ({
        path: [...path, key],
        message: `is no field here${hint(key, known)}`,
      }))
    }
    return [{ path, message: sentenceOf(issue, valueAt(document, path)) }]
  })
}

/** `spec.sources[1].provider` */
export function textOfPath(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    '',
  )
}

function sentenceOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== 'custom' && (value === undefined || value === null)) return 'is missing: give it'
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return issue.message
      return `must be ${articles[issue.expected] ?? issue.expected}, not ${articles[kindOf(value)]}${issue.expected === 'string' ? ': put it in quotes' : ''}`
    case 'invalid_value': {
      const values = issue.values.map(String)
      if (values.length === 1) return `must be ${values[0]}, not ${show(value)}`
      return `${show(value)} is not known${hint(String(value), values)}`
    }
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : issue.message
    case 'too_big':
      return issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : issue.message
    default:
      return issue.message
  }
}

/** Shows only the beginning of a value, which may be a secret in the wrong place. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}

const articles: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], value)
}

/** The fields that the object at a path may have. */
function fieldsAt(schema: z.ZodType, path: Path): readonly string[] {
  let at: unknown = schema
  for (const part of [...path, undefined]) {
    while (at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional)
      at = at.unwrap()
    if (part === undefined) break
    at = at instanceof z.ZodArray ? at.element : at instanceof z.ZodObject ? at.shape[part] : undefined
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** The word that was probably meant, else the list of known words. */
function hint(written: string, known: readonly string[]): string {
  const near = nearestOf(written, known)
  if (near) return `; did you mean ${near}?`
  return known.length > 0 ? `; there are ${known.join(', ')}` : ''
}

/** The known word that a mistyped one was probably meant to be. */
export function nearestOf(written: string, known: readonly string[]): string | undefined {
  const [near] = known
    .map(word => ({ word, distance: editDistance(written.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return near?.word
}

/** Levenshtein's distance; texts are cut, so that a long one costs nothing. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64)
  const b = right.slice(0, 64)
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
