import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/** A provider's published keys by their id. */
export type KeySet = ReadonlyMap<string, KeyObject>

/** More keys than any provider publishes: a larger set is cut, so that a hostile answer costs little. */
const maxKeys = 32

/**
 * Reads a JWKS (`{keys: [{kid, …}]}`), or a map from key id to JWK or PEM. Keys that can't be read are left out: one
 * of a kind unknown to this version mustn't cost the others.
 */
export function readKeySet(value: unknown): KeySet {
  const keys = new Map<string, KeyObject>()
  for (const [kid, member] of entriesOf(value).slice(0, maxKeys)) {
    const key = readKey(member)
    if (key) keys.set(kid, key)
  }
  return keys
}

/** As `readKeySet`, from text; an empty set where the text isn't JSON. */
export function parseKeySet(text: string): KeySet {
  try {
    return readKeySet(JSON.parse(text))
  } catch {
    return new Map()
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return []
  if ('keys' in value && Array.isArray(value.keys)) {
    return value.keys.flatMap(key => {
      const kid: unknown = key?.kid
      return typeof kid === 'string' ? [[kid, key] as [string, unknown]] : []
    })
  }
  return Object.entries(value)
}

function readKey(member: unknown): KeyObject | undefined {
  try {
    if (typeof member === 'string') return createPublicKey(member)
    if (typeof member !== 'object' || member === null) return undefined
    return createPublicKey({ key: member as JsonWebKey, format: 'jwk' })
  } catch {
    return undefined
  }
}
