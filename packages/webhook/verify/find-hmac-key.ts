import { createHmac, type KeyObject } from 'node:crypto'
import type { SchemeConfig } from '../scheme.ts'
import { equal } from './compare.ts'
import { decode, type Encoding } from './decode.ts'
import { type KeyForm, openKey } from './key.ts'
import { SchemeError } from './scheme-error.ts'

/** @throws SchemeError where there is no secret, or one that is no key of this form */
export function openSecretKeys(config: SchemeConfig, form: KeyForm): readonly KeyObject[] {
  if (config.secrets.length === 0) {
    throw new SchemeError('secret_missing', config.provider, `A source of ${config.provider} needs a secret.`)
  }
  return config.secrets.map(text => openKey(text, form, config.provider))
}

/** The index of the key whose digest of these pieces is among the candidates; undefined where no key's is. */
export function findHmacKey(
  hash: 'sha1' | 'sha256',
  keys: readonly KeyObject[],
  pieces: readonly (string | Uint8Array)[],
  candidates: readonly string[],
  encoding: Encoding,
): number | undefined {
  const signatures = candidates.flatMap(text => decode(text, encoding) ?? [])
  if (signatures.length === 0) return undefined
  for (const [index, key] of keys.entries()) {
    const hmac = createHmac(hash, key)
    for (const piece of pieces) hmac.update(piece)
    const expected = hmac.digest()
    if (signatures.some(signature => equal(expected, signature))) return index
  }
  return undefined
}
