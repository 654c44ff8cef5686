import type { SchemeConfig } from '../scheme.ts'
import { equal, tokenDigest } from './compare.ts'
import { queryValue } from './form.ts'
import { headerText } from './header.ts'
import { SchemeError } from './scheme-error.ts'
import type { Verify } from './signature.ts'
import { invalid } from './verdict.ts'

export type TokenPlace =
  | { readonly header: string; readonly scheme?: 'Bearer' | 'Basic' }
  | { readonly query: string }

/** A secret that the provider sends along. The body has no signature: all trust rests on TLS. */
export interface TokenDescriptor {
  /** The first place that holds anything counts. */
  readonly places: readonly TokenPlace[]
  /** The option that names another header instead (Okta lets its users choose). */
  readonly headerOption?: string
}

/** @throws SchemeError where there is no secret to compare with */
export function openToken(scheme: TokenDescriptor, config: SchemeConfig): Verify {
  if (config.secrets.length === 0 || config.secrets.includes('')) {
    throw new SchemeError('secret_missing', config.provider, `A source of ${config.provider} needs a secret.`)
  }
  const expected = config.secrets.map(tokenDigest)
  const named = scheme.headerOption === undefined ? undefined : config.options?.[scheme.headerOption]
  const places: readonly TokenPlace[] =
    typeof named === 'string' ? [{ header: named.toLowerCase() }] : scheme.places

  return request => {
    for (const place of places) {
      const text =
        'query' in place ? queryValue(request.url, place.query) : headerText(request.headers, place.header)
      if (text === undefined || text === '') continue
      const token = readToken(text, place)
      if (token === undefined) return invalid('signature_malformed', `expected ${describe(place)}`)
      const given = tokenDigest(token)
      const secret = expected.findIndex(digest => equal(digest, given))
      return secret < 0 ? invalid('signature_mismatch') : { kind: 'valid', secret }
    }
    return invalid('signature_missing', `no ${places.map(describe).join(' or ')}`)
  }
}

function describe(place: TokenPlace): string {
  if ('query' in place) return `query value ${place.query}`
  return place.scheme ? `header ${place.header}: ${place.scheme} …` : `header ${place.header}`
}

function readToken(text: string, place: TokenPlace): string | undefined {
  if ('query' in place || !place.scheme) return text
  const blank = text.indexOf(' ')
  if (blank < 0 || text.slice(0, blank).toLowerCase() !== place.scheme.toLowerCase()) return undefined
  const credentials = text.slice(blank + 1).trim()
  return place.scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString() : credentials
}
