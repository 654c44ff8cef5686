import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib'

/** Bytes of plain text that a compressed beginning of a body may become. More is a compression bomb, or too much for a person to read. */
const maxPlainBytes = 64 * 1024
/** Codings that lie over each other. */
const maxCodings = 2

/** What has come is cut off somewhere: give all that can be told from it. */
const flushed = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxPlainBytes }
const brotliFlushed = {
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
  maxOutputLength: maxPlainBytes,
}
const zstdFlushed = { finishFlush: constants.ZSTD_e_flush, maxOutputLength: maxPlainBytes }

/** By coding (RFC 9110, 8.4.1; 8878), in lower case. */
const decoders: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  identity: bytes => bytes,
  gzip: bytes => gunzipSync(bytes, flushed),
  'x-gzip': bytes => gunzipSync(bytes, flushed),
  // RFC 9110, 8.4.1.2: some senders leave out the zlib wrapper, whose first byte says "deflate" in its lower half.
  deflate: bytes => ((bytes[0]! & 0x0f) === 8 ? inflateSync(bytes, flushed) : inflateRawSync(bytes, flushed)),
  br: bytes => brotliDecompressSync(bytes, brotliFlushed),
  zstd: bytes => zstdDecompressSync(bytes, zstdFlushed),
}

/**
 * The beginning of a body without its codings: as much as can be told from the bytes that were kept, at most 64 KiB.
 * Undefined where a coding is not known, the bytes are not of it, or they become more than that.
 *
 * @param contentEncoding as in the header: codings in the order in which they were applied
 */
export function decompress(body: Uint8Array, contentEncoding: string | undefined): Uint8Array | undefined {
  if (contentEncoding === undefined) return body
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '')
  if (codings.length > maxCodings) return undefined
  let bytes = body
  for (const coding of codings.reverse()) {
    if (!Object.hasOwn(decoders, coding)) return undefined
    try {
      bytes = decoders[coding]!(bytes)
    } catch {
      return undefined
    }
  }
  return bytes
}
