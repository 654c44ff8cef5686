import { createHash } from 'node:crypto'
import type { OrderConfig } from '@fairlead/wire/config'
import type { StoredEvent } from './stored-event.ts'

/** Larger bodies have no key, because the whole body is parsed to find one. */
const maxParsedBytes = 1024 * 1024

/**
 * Tells the digest of an event's key for the order of a route; undefined where the event has no key, and so no order. The body is parsed
 * once, for all routes that ask: an organization has a hundred of them.
 */
export function openOrderKeys({
  meta,
  body,
}: Pick<StoredEvent, 'meta' | 'body'>): (order: OrderConfig) => string | undefined {
  let parsed: { readonly document: unknown } | undefined
  return ({ key }) => {
    let value: string | undefined
    if (key.from === 'header') value = headerOf(meta.headers, key.name)
    else {
      parsed ??= { document: parse(body) }
      value = pointed(parsed.document, key.pointer)
    }
    if (value === undefined) return undefined
    return createHash('sha256').update(value).digest('hex').slice(0, 32)
  }
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name.toLowerCase()) return headers[i + 1]
  }
  return undefined
}

/** Undefined for what is no JSON, or too large. */
function parse(body: Uint8Array): unknown {
  if (body.length > maxParsedBytes) return undefined
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch {
    return undefined
  }
}

/** The value that a JSON pointer (RFC 6901) leads to, if it is a string, a number or a boolean. */
function pointed(document: unknown, pointer: string): string | undefined {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  }
  return typeof value === 'object' || value === undefined ? undefined : `${typeof value}:${value}`
}
