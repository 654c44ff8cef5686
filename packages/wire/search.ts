import { hash } from 'node:crypto'
import type { OrganizationId } from '@fairlead/webhook/id'
import { openScan } from '@fairlead/webhook/verify/members'

/** What events of a source are found by: JSON pointers into the body, and names of request headers in lower case. */
export interface Search {
  readonly pointers: readonly string[]
  readonly headers: readonly string[]
}

/** The most pointers, and the most headers, that a source declares. */
export const mostSearched = 8
/** Longer values are not found, in characters. */
export const longestSearched = 256

/**
 * What the log keeps of a value: 64 bits of a digest, as a signed decimal number. It is found by whoever asks for the whole value,
 * and tells nothing to others. The organization is part of it, so that equal values of two have nothing in common.
 *
 * @param name a JSON pointer, or a header's name in lower case
 */
export const searchDigest = (organization: OrganizationId, name: string, value: string): string =>
  openDigest(organization, name)(value)

/** The digests of one name's values. Sixteen of them are made of each webhook at most, and many webhooks have the value of the one before. */
function openDigest(organization: OrganizationId, name: string): (value: string) => string {
  const opening = `[${JSON.stringify(organization)},${JSON.stringify(name)},`
  let last = { value: '', digest: '' }
  return value => {
    if (last.value !== value || last.digest === '') {
      const digest = hash('sha256', `${opening}${JSON.stringify(value)}]`, 'buffer')
      last = { value, digest: digest.readBigInt64BE().toString() }
    }
    return last.digest
  }
}

/** Reads the digests of one request. */
export type Extract = (body: Uint8Array, headers: readonly string[]) => string[]

/**
 * Opened once for a source. One pass over a body for all pointers; what is no text, number or boolean, or too long, is left out. In
 * a pointer `0` is the first element of an array; others are not read.
 */
export function openExtract(organization: OrganizationId, { pointers, headers }: Search): Extract {
  const scan = openScan(pointers.map(namesOf))
  const ofPointers = pointers.map(pointer => openDigest(organization, pointer))
  const ofHeaders = new Map(headers.map(name => [name, openDigest(organization, name)]))
  return (body, rawHeaders) => {
    const digests = new Set<string>()
    const add = (digest: (value: string) => string, value: string | undefined) => {
      if (value !== undefined && value !== '' && value.length <= longestSearched) digests.add(digest(value))
    }
    if (pointers.length > 0) for (const [i, value] of scan(body).values.entries()) add(ofPointers[i]!, value)
    if (headers.length > 0) {
      for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
        const digest = ofHeaders.get(rawHeaders[i]!.toLowerCase())
        if (digest) add(digest, rawHeaders[i + 1])
      }
    }
    // A request may repeat a header as often as it likes.
    return [...digests].slice(0, 2 * mostSearched)
  }
}

/** Names from the root on: https://www.rfc-editor.org/rfc/rfc6901 */
export const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
