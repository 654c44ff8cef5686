import type { IncomingMessage } from 'node:http'
import type { BodyLease } from './admission/body-memory.ts'

export type BodyRead =
  | { readonly kind: 'read'; readonly body: Uint8Array }
  /** More bytes than one request may have. */
  | { readonly kind: 'too_large' }
  /** More bytes than fit now: into all memory for bodies, or into the organization's or the peer's share. */
  | { readonly kind: 'no_room' }
  /** It came slower than the least rate. */
  | { readonly kind: 'too_slow' }
  /** The sender went away. */
  | { readonly kind: 'aborted' }

/** Opens the lease in which a body's memory counts. @param tooSlow ends the reading */
export type OpenLease = (tooSlow: () => void) => BodyLease

const empty = new Uint8Array(0)

/**
 * Reads a body whole, as the bytes that came; whoever opened the lease disposes of it. It uses the stream's events rather
 * than `for await`, which costs 10 µs more and closes the socket before it can be answered.
 */
export function readBody(request: IncomingMessage, maxBytes: number, open: OpenLease): Promise<BodyRead> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let done = false
    const finish = (result: BodyRead): void => {
      if (done) return
      done = true
      request.off('data', take)
      lease.complete()
      resolve(result)
    }
    const take = (chunk: Buffer): void => {
      if (lease.bytes + chunk.length > maxBytes) finish({ kind: 'too_large' })
      else if (lease.grow(chunk.length)) chunks.push(chunk)
      else finish({ kind: 'no_room' })
    }
    const lease = open(() => finish({ kind: 'too_slow' }))
    // A body that would find no room in the end is refused before it is sent.
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > maxBytes) return finish({ kind: 'too_large' })
    if (!lease.fits(declared)) return finish({ kind: 'no_room' })
    request.on('data', take)
    request.once('end', () => {
      const body = chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? empty)
      finish({ kind: 'read', body })
    })
    request.once('close', () => finish({ kind: 'aborted' }))
  })
}
