import express, { type Request, type RequestHandler } from 'express'
import { ApiError } from './problem.ts'

/** Bytes of a request's body, unless the operation says otherwise. */
const defaultMaxBodyBytes = 64 * 1024

/** Objects and lists in one another: deeper than anything that is asked for, and far from the end of a stack. */
const maxDepth = 64

/**
 * Reads a body as JSON in UTF-8. What other parsers pass over in silence is refused: bytes that are no UTF-8, another charset,
 * a name that an object has twice (of two parsers each may take another one). Nothing at all is `undefined`.
 */
export const readJsonBody = (maxBytes = defaultMaxBodyBytes): readonly RequestHandler[] => [
  requireJson,
  express.raw({ limit: maxBytes, inflate: false, type: () => true }),
  (request, _response, next) => {
    // Of a client that left before its body was read, express says that there is none.
    if (!Buffer.isBuffer(request.body) && declaresBody(request)) throw new ApiError('body_unreadable')
    request.body = Buffer.isBuffer(request.body) ? parseJson(request.body) : undefined
    next()
  },
]

const declaresBody = ({ headers }: Request): boolean =>
  'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0

/** Otherwise a body of another type would be ignored, as if the request had none. */
function requireJson(...[request, _response, next]: Parameters<RequestHandler>): void {
  const isEmpty = request.get('content-length') === '0'
  if (!isEmpty && request.is('application/json') === false) throw new ApiError('media_type_unsupported')
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.get('content-type') ?? '')?.[1]
  if (charset && !/^(utf-8|utf8|us-ascii)$/i.test(charset)) throw new ApiError('media_type_unsupported')
  next()
}

/** Throws an ApiError `body_unreadable`, or `request_invalid` with the name that stands there twice. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  let body: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    body = JSON.parse(text)
  } catch (cause) {
    throw new ApiError('body_unreadable', undefined, { cause })
  }
  const name = repeatedName(text)
  if (name !== undefined) throw invalidBody(name, 'is given twice')
  const unsound = unsoundText(body, '')
  if (unsound !== undefined) throw invalidBody(unsound, 'has a control character U+0000 or half a character')
  return body
}

function invalidBody(name: string, message: string): ApiError {
  const fault = { in: 'body', name: name.slice(0, 100), message } as const
  return new ApiError('request_invalid', undefined, { faults: [fault] })
}

/** The path of the first text, a name or a value, that no database keeps as it is. Throws like `parseJson`. */
function unsoundText(value: unknown, path: string, depth = 0): string | undefined {
  if (typeof value === 'string') return isSound(value) ? undefined : path
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= maxDepth) throw invalidBody(path, `is nested more than ${maxDepth} levels deep`)
  for (const [name, inner] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name
    const found = isSound(name) ? unsoundText(inner, at.slice(0, 200), depth + 1) : path
    if (found !== undefined) return found
  }
  return undefined
}

const isSound = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** The first name that an object has twice, with its path; the text is JSON. In linear time. */
export function repeatedName(text: string): string | undefined {
  // Strings and punctuation; everything else is skipped.
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g
  const open: { readonly names: Set<string> | undefined; name: string }[] = []
  let isName = false
  for (const [token] of text.matchAll(tokens)) {
    const inner = open.at(-1)
    if (token === '{' || token === '[') {
      open.push({ names: token === '{' ? new Set() : undefined, name: '' })
      isName = token === '{'
    } else if (token === '}' || token === ']') {
      open.pop()
      isName = false
    } else if (token === ',') isName = inner?.names !== undefined
    else if (token === ':') isName = false
    else if (isName && inner?.names) {
      inner.name = JSON.parse(token)
      if (inner.names.has(inner.name))
        return open.flatMap(({ names, name }) => (names ? [name] : [])).join('.')
      inner.names.add(inner.name)
    }
  }
  return undefined
}
