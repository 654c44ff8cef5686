import { findProvider } from './providers/table.ts'
import type { SchemeConfig } from './scheme.ts'
import { customProvider } from './verify/custom.ts'
import { SchemeError } from './verify/scheme-error.ts'

/** The request headers by which a source is verified, in lower case. */
export interface SchemeHeaders {
  /**
   * Whoever has their values can forge webhooks of the source: a shared token, Basic credentials, a JWT that doesn't bind
   * the body.
   */
  readonly credentials: readonly string[]
  /** Signatures over the body: harmless to pass on, and needed to verify with the provider's SDK. */
  readonly signatures: readonly string[]
}

const none: SchemeHeaders = { credentials: [], signatures: [] }

/**
 * Which headers a source's scheme reads its proof from. None for a provider that isn't known, a custom scheme that can't
 * be read, and schemes whose proof is in the body or in headers of their own code, which are signatures.
 */
export function schemeHeaders(config: Pick<SchemeConfig, 'provider' | 'options' | 'scheme'>): SchemeHeaders {
  const scheme = definitionOf(config)
  switch (scheme?.kind) {
    case 'token': {
      const named = scheme.headerOption === undefined ? undefined : config.options?.[scheme.headerOption]
      const headers = scheme.places.flatMap(place => ('header' in place ? [place.header] : []))
      // The usual header stays a credential beside the header that the source names: a sender may send both.
      if (typeof named === 'string') headers.push(named.toLowerCase())
      return { credentials: headers, signatures: [] }
    }
    case 'jwt':
      return scheme.bodyHash
        ? {
            credentials: [],
            signatures: [scheme.header, ...(scheme.orSigned ? [scheme.orSigned.header] : [])],
          }
        : { credentials: [scheme.header], signatures: [] }
    case 'signature':
      return { credentials: [], signatures: scheme.headers }
    case 'code':
    case 'unsigned':
    case undefined:
      return none
    default:
      return scheme satisfies never
  }
}

function definitionOf(config: Pick<SchemeConfig, 'provider' | 'options' | 'scheme'>) {
  if (config.provider !== 'custom') return findProvider(config.provider)?.scheme
  try {
    return customProvider({ ...config, secrets: [] }).scheme
  } catch (error) {
    if (error instanceof SchemeError) return undefined
    throw error
  }
}
