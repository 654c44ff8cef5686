import type { IncomingMessage } from 'node:http'

/** `malformed` is to be answered 400, `transfer_coding_unknown` 501; the connection is closed after either. */
export type FramingFault = 'malformed' | 'transfer_coding_unknown'

/**
 * What node:http lets through although RFC 9112 forbids it, because a proxy before us could read it in another way:
 * several Host fields (3.2), a version that is no HTTP/1 (2.3), a transfer coding in HTTP/1.0, chunks in chunks (6.1).
 * And transfer codings that nobody here undoes, so that the body would be taken for what it is not: all but `chunked` (6.1).
 */
export function framingFault({
  rawHeaders,
  headers,
  httpVersionMajor,
  httpVersionMinor,
}: Pick<IncomingMessage, 'rawHeaders' | 'headers' | 'httpVersionMajor' | 'httpVersionMinor'>):
  | FramingFault
  | undefined {
  if (httpVersionMajor !== 1) return 'malformed'
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) return 'malformed'
  const codings = headers['transfer-encoding']
  if (codings === undefined || (codings === 'chunked' && httpVersionMinor > 0)) return undefined
  if (httpVersionMinor === 0) return 'malformed'
  const each = codings.split(',').flatMap(coding => coding.trim().toLowerCase() || [])
  if (each.some(coding => coding !== 'chunked')) return 'transfer_coding_unknown'
  return each.length > 1 ? 'malformed' : undefined
}
