import { redacted, secretHeader } from '@fairlead/wire/secret-headers'
import type { Header } from '@fairlead/wire/store/event'
import { z } from 'zod'

/** Bytes and headers of a request as it was received, as JSON can hold them. */
export const contentSchema = {
  headers: z.record(z.string(), z.string()).meta({
    description:
      'Names in lower case; values of a repeated header joined by a comma. Values that are secrets themselves (tokens, passwords, cookies) are replaced by `[redacted]`.',
    example: { 'content-type': 'application/json' },
  }),
  body: z.string().nullable().meta({
    description: 'As `bodyEncoding` says; null once it is no longer kept.',
  }),
  bodyEncoding: z.enum(['utf-8', 'base64']).meta({
    description: '`utf-8`: the body is text, and here it is. `base64`: its bytes are no UTF-8.',
  }),
}

export function presentHeaders(headers: readonly Header[]): Record<string, string> {
  // No prototype: a header may be called `__proto__`.
  const presented: Record<string, string> = Object.create(null)
  for (const header of headers) {
    const name = header.name.toLowerCase()
    const value = secretHeader.test(name) ? redacted : header.value
    presented[name] = name in presented && value !== redacted ? `${presented[name]}, ${value}` : value
  }
  return presented
}

/** Text where the bytes are exactly the UTF-8 of it (a byte order mark is kept), else base64. */
export function presentBody(body: Uint8Array): { body: string; bodyEncoding: 'utf-8' | 'base64' } {
  try {
    return {
      body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body),
      bodyEncoding: 'utf-8',
    }
  } catch {
    return { body: Buffer.from(body).toString('base64'), bodyEncoding: 'base64' }
  }
}
