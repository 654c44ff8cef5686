import type { WebhookRequest } from '../scheme.ts'
import { formValue, readFormText } from './form-fields.ts'
import { headerText } from './header.ts'
import { bufferOf } from './json-bytes.ts'
import { eachPart } from './multipart.ts'

const ampersand = 0x26
const equals = 0x3d

/** How a body is read by its Content-Type; without one, what doesn't begin like JSON is taken for a form. */
export type BodyForm = 'json' | 'urlencoded' | 'multipart'

export function bodyForm({ headers, body }: Pick<WebhookRequest, 'headers' | 'body'>): BodyForm {
  const type = (headerText(headers, 'content-type') ?? '').trimStart().toLowerCase()
  if (type.startsWith('application/x-www-form-urlencoded')) return 'urlencoded'
  if (type.startsWith('multipart/form-data')) return 'multipart'
  if (type !== '' && !type.startsWith('text/plain')) return 'json'
  return body[0] === 0x7b || body[0] === 0x5b ? 'json' : 'urlencoded'
}

/**
 * The values of these fields of a form, urlencoded or multipart, in one pass; the first where a name repeats.
 * Undefined where a field is not there, is a file, or isn't UTF-8. Nothing for a body of another kind.
 */
export function formFields(
  request: Pick<WebhookRequest, 'headers' | 'body'>,
  names: readonly string[],
): (string | undefined)[] {
  switch (bodyForm(request)) {
    case 'urlencoded':
      return urlencodedFields(request.body, names)
    case 'multipart':
      return multipartFields(request, names)
    case 'json':
      return names.map(() => undefined)
  }
}

/** A field of an urlencoded form, whatever the Content-Type; the first where its name repeats. */
export function scanForm(body: Uint8Array, name: string): string | undefined {
  return urlencodedFields(body, [name])[0]
}

function urlencodedFields(body: Uint8Array, names: readonly string[]): (string | undefined)[] {
  const bytes = bufferOf(body)
  const values = names.map((): string | undefined => undefined)
  const met = names.map(() => false)
  let left = names.length
  let at = 0
  while (at < bytes.length && left > 0) {
    const end = endOfField(bytes, at)
    let which = 0
    while (which < names.length && (met[which] || !beginsWithName(bytes, at, names[which]!))) which++
    if (which < names.length) {
      met[which] = true
      left--
      values[which] = decodeFormText(bytes.toString('latin1', at + names[which]!.length + 1, end))
    }
    at = end + 1
  }
  return values
}

/** Where the field's `&` stands, or the end. A long value is left to Buffer's search, which costs about 80 ns to begin. */
function endOfField(bytes: Buffer, start: number): number {
  const near = Math.min(bytes.length, start + 64)
  for (let at = start; at < near; at++) if (bytes[at] === ampersand) return at
  const found = near < bytes.length ? bytes.indexOf(ampersand, near) : -1
  return found < 0 ? bytes.length : found
}

/** Whether `name=` stands at `at`. Names that are asked for have no character that a form escapes, except brackets. */
function beginsWithName(bytes: Buffer, at: number, name: string): boolean {
  if (bytes[at + name.length] !== equals) return false
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name.charCodeAt(i)) return false
  return true
}

function multipartFields(
  request: Pick<WebhookRequest, 'headers' | 'body'>,
  names: readonly string[],
): (string | undefined)[] {
  const values = names.map((): string | undefined => undefined)
  const met = names.map(() => false)
  let left = names.length
  eachPart(request, (name, isFile, value) => {
    const which = names.indexOf(name)
    if (which < 0 || met[which]) return true
    met[which] = true
    left--
    if (!isFile) values[which] = value()
    return left > 0
  })
  return values
}

/** Percent and plus decoded; undefined where the text isn't UTF-8. */
export function decodeFormText(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** A query's value, decoded; the first where it repeats. `url` may be absolute or a path; of 2,000 fields at most. */
export function queryValue(url: string, name: string): string | undefined {
  const start = url.indexOf('?')
  if (start < 0) return undefined
  const hash = url.indexOf('#', start)
  const query = url.slice(start + 1, hash < 0 ? undefined : hash)
  return formValue(readFormText(query) ?? [], name)
}
