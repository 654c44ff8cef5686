import type { Response } from 'express'
import { ApiError } from './problem.ts'

/**
 * Bytes of answers that were handed over and not taken yet by their clients. A client that asks and does not read costs the memory of
 * its answers, which all organizations share.
 */
export interface Unsent {
  /** Throws an ApiError `rate_limited` where too much of its organization waits already for an answer of so many bytes. */
  requireRoom(organization: string, bytes: number): void
  /** Counts an answer until its response closes. */
  count(organization: string, bytes: number, response: Pick<Response, 'once'>): void
}

/** Answers below it are not counted: connections are few enough. */
const smallBytes = 64 * 1024
const mostOfOne = 32 * 1024 ** 2
const mostOfAll = 128 * 1024 ** 2

export function openUnsent(): Unsent {
  const held = new Map<string, number>()
  let all = 0
  return {
    requireRoom(organization, bytes) {
      if (bytes < smallBytes) return
      const own = held.get(organization) ?? 0
      // The only answer of an organization goes where others hold all: a body has 11 MiB at most as JSON.
      if (own === 0 ? all + bytes <= 2 * mostOfAll : own + bytes <= mostOfOne && all + bytes <= mostOfAll)
        return
      throw new ApiError(
        'rate_limited',
        'Answers that were asked for before this one wait to be read: read them first.',
        { retryAfterSeconds: 5 },
      )
    },
    count(organization, bytes, response) {
      if (bytes < smallBytes) return
      held.set(organization, (held.get(organization) ?? 0) + bytes)
      all += bytes
      response.once('close', () => {
        all -= bytes
        const left = held.get(organization)! - bytes
        if (left > 0) held.set(organization, left)
        else held.delete(organization)
      })
    },
  }
}
