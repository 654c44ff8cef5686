import type { Request } from 'express'
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { ApiError, type RequestFault } from './problem.ts'

/** What a request asks for, checked. */
export interface Asked {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/**
 * Checks a request against its operation's schemas. Throws an ApiError: `not_found` for a path that can't name
 * anything, `request_invalid` with every fault of query and body at once.
 */
export function readRequest(operation: Operation, request: Request): Asked {
  const params = operation.params.safeParse(request.params)
  if (!params.success) throw new ApiError('not_found')
  const query = operation.query.safeParse(request.query)
  const body = operation.body?.safeParse(request.body)
  const faults = [
    ...(query.success ? [] : faultsOf('query', query.error)),
    ...(body && !body.success ? faultsOf('body', body.error) : []),
  ]
  if (faults.length > 0) throw new ApiError('request_invalid', undefined, { faults })
  return { params: params.data, query: query.data, body: body?.data }
}

/** More than any operation has, with room for those that are told to be unknown. */
const maxParameters = 100

/** Names that may be given several times, wherever they are known: each is a list. */
const repeatable: ReadonlySet<string> = new Set(['value', 'header'])

/**
 * A query by name. Throws an ApiError `request_invalid` for what other parsers guess at: a name that is given twice but is no list, bytes
 * that are no percent-encoded UTF-8.
 */
export function readQuery(text: string): Record<string, string | string[]> {
  const parts = (text ?? '').split('&').filter(part => part !== '')
  const query = new Map<string, string | string[]>()
  for (const part of parts) {
    const at = part.indexOf('=')
    const raw = at < 0 ? part : part.slice(0, at)
    const name = decodeText(raw)
    const value = decodeText(at < 0 ? '' : part.slice(at + 1))
    if (name === undefined || value === undefined)
      throw invalidQuery(name ?? raw, 'is no percent-encoded UTF-8')
    if (repeatable.has(name)) {
      query.set(name, [...((query.get(name) ?? []) as string[]), value])
      continue
    }
    if (query.has(name)) throw invalidQuery(name, 'is given twice')
    if (query.size >= maxParameters) throw invalidQuery(name, `is more than ${maxParameters} parameters`)
    query.set(name, value)
  }
  return Object.fromEntries(query)
}

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function invalidQuery(name: string, message: string): ApiError {
  const fault: RequestFault = { in: 'query', name: name.slice(0, 100), message }
  return new ApiError('request_invalid', undefined, { faults: [fault] })
}

/** Whether an operation's body has a field of this name, or its path begins with one. */
export function takesInBody(operation: Operation, field: string): boolean {
  const body = operation.body instanceof z.ZodOptional ? operation.body.unwrap() : operation.body
  const [name = ''] = field.split('.')
  return body instanceof z.ZodRecord || (body instanceof z.ZodObject && name in body.shape)
}

/** Checks a setting that was merged from a body and the stored state. Throws an ApiError `request_invalid` with every fault. */
export function requireBody<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ApiError('request_invalid', undefined, { faults: faultsOf('body', parsed.error) })
}

/** The most faults that an answer lists. */
const maxFaults = 20

function faultsOf(where: 'query' | 'body', error: z.ZodError): RequestFault[] {
  return error.issues.slice(0, maxFaults).flatMap(issue => {
    const path = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return [{ in: where, name: path, message: issue.message }]
    return issue.keys.slice(0, maxFaults).map(key => ({
      in: where,
      name: (path ? `${path}.${key}` : key).slice(0, 100),
      message: 'is not known here',
    }))
  })
}

/** Throws an ApiError `request_invalid` for a key that is empty, too long or not printable. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x20-\x7e]{1,255}$/.test(header)) return header || undefined
  const fault = {
    in: 'header',
    name: 'Idempotency-Key',
    message: '1 to 255 printable ASCII characters',
  } as const
  throw new ApiError('request_invalid', undefined, { faults: [fault] })
}

/** Trace id of the caller's trace (https://www.w3.org/TR/trace-context/), where there is one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '')?.[1]
  return id === '0'.repeat(32) ? undefined : id
}

/** JSON with sorted keys: the same for two bodies that differ in white space and in the order of fields. */
export function canonicalJson(body: unknown): string {
  const sorted = (_key: string, value: unknown) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  return JSON.stringify(body ?? null, sorted)
}
