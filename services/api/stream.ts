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

/** Answers that last, counted by organization: live streams, and exports. */
export interface OpenStreams {
  /** Throws an ApiError `rate_limited`. */
  take(organization: string): OpenStream
  /** Throws an ApiError `rate_limited`. */
  takeExport(organization: string): Disposable
}

export interface OpenStream extends Disposable {
  /** How often a stream says that it lives, and its caller is looked up again, ms. */
  readonly heartbeatMs: number
}

/** Of one organization in this process, and of all. A stream asks the store about twice a second; an export holds a page of events. */
const most = { streams: { ofOne: 20, ofAll: 400 }, exports: { ofOne: 4, ofAll: 40 } } as const

export function openStreams(heartbeatMs: number): OpenStreams {
  const takePlace = { streams: openPlaces('streams'), exports: openPlaces('exports') }
  return {
    take: organization => ({ heartbeatMs, [Symbol.dispose]: takePlace.streams(organization) }),
    takeExport: organization => ({ [Symbol.dispose]: takePlace.exports(organization) }),
  }
}

/** Takes a place, which is given back once. */
function openPlaces(what: keyof typeof most): (organization: string) => () => void {
  const { ofOne, ofAll } = most[what]
  const counts = new Map<string, number>()
  let all = 0
  return organization => {
    const count = counts.get(organization) ?? 0
    if (count >= ofOne || all >= ofAll) {
      throw new ApiError(
        'rate_limited',
        `At most ${ofOne} ${what} of an organization are open at one time.`,
        {
          retryAfterSeconds: 15,
        },
      )
    }
    counts.set(organization, count + 1)
    all += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      all -= 1
      const left = counts.get(organization)! - 1
      if (left > 0) counts.set(organization, left)
      else counts.delete(organization)
    }
  }
}
