import { createHash } from 'node:crypto'
import type { OrderConfig } from '@fairlead/wire/config'
import type { StoredEvent } from './stored-event.ts'

/** Larger bodies have no key, because the whole body is parsed to find one. */
const maxParsedBytes = 1024 * 1024

/** The digest of an event's key; undefined where the event has no key, and so no order. Pure. */
export function orderKey(
  { key }: OrderConfig,
  { meta, body }: Pick<StoredEvent, 'meta' | 'body'>,
): string | undefined {
  const value = key.from === 'header' ? headerOf(meta.headers, key.name) : pointed(body, key.pointer)
  if (value === undefined) return undefined
  return createHash('sha256').update(value).digest('hex').slice(0, 32)
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name.toLowerCase()) return headers[i + 1]
  }
  return undefined
}

/** The value that a JSON pointer (RFC 6901) leads to, if it is a string, a number or a boolean. */
function pointed(body: Uint8Array, pointer: string): string | undefined {
  if (body.length > maxParsedBytes) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch {
    return undefined
  }
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  }
  return typeof value === 'object' || value === undefined ? undefined : `${typeof value}:${value}`
}
