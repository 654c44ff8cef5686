import { createHash } from 'node:crypto'
import { apiKeyText, shownApiKey } from '@fairlead/wire/api-key'
import type { Organization } from './schema.ts'
import { urlOfSource } from './source-url.ts'

/**
 * The Secret `<name>-fairlead` that a tenant gets, beside the Organization. Keys in it are made once; a new one is
 * made when its annotation gets another value:
 *
 *   api-key                for the API and the CLI of this organization
 *   signing-key            `whsec_…`: verifies what is delivered (Standard Webhooks)
 *   signing-key-previous   the one before: also signs, until the next rotation
 *   url-<source>           where the provider posts to
 *   rotation               the annotations' values that have been followed
 */
export interface TenantSecret {
  readonly apiKey: string
  /** The newest first: one, or two after a rotation. */
  readonly signingKeys: readonly string[]
  /** Source name → URL. */
  readonly urls: Readonly<Record<string, string>>
  readonly rotation: Rotation
}

interface Rotation {
  readonly apiKey: string
  readonly signingKey: string
}

/** New random keys, used where a key is missing or to be rotated. */
export interface FreshKeys {
  readonly apiKey: string
  readonly signingKey: string
}

export const rotateSigningKeyAnnotation = 'fairlead.dev/rotate-signing-key'
export const rotateApiKeyAnnotation = 'fairlead.dev/rotate-api-key'

export const tenantSecretName = (organization: string): string => `${organization}-fairlead`

/** Makes keys: 256 random bits each. */
export function makeKeys(randomBytes: (count: number) => Buffer): FreshKeys {
  return {
    apiKey: apiKeyText('sk_live_fl_', randomBytes(32)),
    signingKey: `whsec_${randomBytes(32).toString('base64')}`,
  }
}

/** The desired content of the tenant's Secret, given its present content. */
export function desiredTenantSecret(
  organization: Organization,
  current: TenantSecret | undefined,
  fresh: FreshKeys,
  publicUrl: string,
): TenantSecret {
  const { annotations } = organization.metadata
  const rotation: Rotation = {
    apiKey: annotations?.[rotateApiKeyAnnotation] ?? '',
    signingKey: annotations?.[rotateSigningKeyAnnotation] ?? '',
  }
  return {
    apiKey: !current || asksAnew(current.rotation.apiKey, rotation.apiKey) ? fresh.apiKey : current.apiKey,
    signingKeys: !current
      ? [fresh.signingKey]
      : asksAnew(current.rotation.signingKey, rotation.signingKey)
        ? [fresh.signingKey, ...current.signingKeys.slice(0, 1)]
        : current.signingKeys,
    urls: Object.fromEntries(
      organization.spec.sources.map(source => [source.name, urlOfSource(organization, source, publicUrl)]),
    ),
    rotation,
  }
}

/** Taking an annotation away rotates nothing. */
function asksAnew(followed: string, asked: string): boolean {
  return asked !== '' && asked !== followed
}

/** The Secret's data, in plain text. */
export function encodeTenantSecret(secret: TenantSecret): Record<string, string> {
  const [signingKey, previous] = secret.signingKeys
  return {
    'api-key': secret.apiKey,
    'signing-key': signingKey ?? '',
    ...(previous === undefined ? {} : { 'signing-key-previous': previous }),
    ...Object.fromEntries(Object.entries(secret.urls).map(([source, url]) => [`url-${source}`, url])),
    rotation: JSON.stringify(secret.rotation),
  }
}

/** Reads the Secret's data; undefined where a key is missing, so that it is made anew. */
export function decodeTenantSecret(data: Readonly<Record<string, string>>): TenantSecret | undefined {
  const { 'api-key': apiKey, 'signing-key': signingKey, 'signing-key-previous': previous } = data
  if (!apiKey || !signingKey) return undefined
  return {
    apiKey,
    signingKeys: previous ? [signingKey, previous] : [signingKey],
    urls: Object.fromEntries(
      Object.entries(data).flatMap(([key, url]) => (key.startsWith('url-') ? [[key.slice(4), url]] : [])),
    ),
    rotation: readRotation(data.rotation),
  }
}

function readRotation(text: string | undefined): Rotation {
  try {
    const { apiKey = '', signingKey = '' } = JSON.parse(text ?? '{}') as Partial<Rotation>
    return { apiKey: String(apiKey), signingKey: String(signingKey) }
  } catch {
    return { apiKey: '', signingKey: '' }
  }
}

/** An API key as the store keeps it: its digest, and its beginning for people. */
export function apiKeyDigest(apiKey: string): { prefix: string; sha256: Uint8Array<ArrayBuffer> } {
  const digest = createHash('sha256').update(apiKey).digest()
  return { prefix: shownApiKey(apiKey), sha256: new Uint8Array(digest) }
}
