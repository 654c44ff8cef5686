import { once } from 'node:events'
import type { Response } from 'express'
import { ApiError } from './problem.ts'

/** An answer that comes piece by piece. */
export interface Streamed {
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly chunks: AsyncIterable<string>
}

/**
 * Sends a stream until it ends or the signal aborts. A piece is asked for when the one before has left for the client, so
 * that a slow client costs the memory of one piece. What fails before the first piece is a problem like any other. HEAD asks for no
 * piece: it would wait for the end of what may have none.
 */
export async function sendStream(
  response: Response,
  { contentType, headers, chunks }: Streamed,
  signal: AbortSignal,
): Promise<void> {
  const head = { ...headers, 'content-type': contentType, 'x-accel-buffering': 'no' }
  if (response.req.method === 'HEAD') {
    response.status(200).set(head).end()
    return
  }
  const pieces = chunks[Symbol.asyncIterator]()
  try {
    let piece = await pieces.next()
    response.status(200).set(head)
    while (!piece.done && !signal.aborted && !response.destroyed) {
      if (!response.write(piece.value)) await once(response, 'drain', { signal })
      piece = await pieces.next()
    }
    response.end()
  } catch (error) {
    // The client went away, or the process stops: nobody reads an error.
    if (!signal.aborted) throw error
    response.end()
  } finally {
    await pieces.return?.()
  }
}

/** Streams that are open, counted by organization. */
export interface OpenStreams {
  /** Throws an ApiError `rate_limited`. */
  take(organization: string): OpenStream
}

export interface OpenStream extends Disposable {
  /** How often a stream says that it lives, and its caller is looked up again, ms. */
  readonly heartbeatMs: number
}

/** Of one organization in this process; and of all. Each asks the store about twice a second. */
const mostOfOne = 20
const mostOfAll = 400

export function openStreams(heartbeatMs: number): OpenStreams {
  const counts = new Map<string, number>()
  let all = 0
  return {
    take(organization) {
      const count = counts.get(organization) ?? 0
      if (count >= mostOfOne || all >= mostOfAll) {
        throw new ApiError(
          'rate_limited',
          `At most ${mostOfOne} streams of an organization are open at one time.`,
          {
            retryAfterSeconds: 15,
          },
        )
      }
      counts.set(organization, count + 1)
      all += 1
      return {
        heartbeatMs,
        [Symbol.dispose]() {
          all -= 1
          const left = counts.get(organization)! - 1
          if (left > 0) counts.set(organization, left)
          else counts.delete(organization)
        },
      }
    },
  }
}
