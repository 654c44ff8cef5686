import { generateKeyPairSync } from 'node:crypto'
import { findProvider } from '../providers/table.ts'
import type { SchemeConfig } from '../scheme.ts'

/** Secrets that fit every scheme, and what else its source needs. */
export function aSource(name: string): { config: SchemeConfig; privateKey?: string } {
  const scheme = findProvider(name)!.scheme
  const options = {
    acceptUnsigned: true,
    webhookId: '8PT597110X687430LKGECATA',
    publicKey: 'pubkey1',
    apiKey: 'devkey',
    audience: 'https://example.com/push',
    email: 'push@project.iam.gserviceaccount.com',
  }
  if (scheme.kind === 'signature' && ['ed25519', 'ecdsa-sha256'].includes(scheme.algorithm)) {
    const pair =
      scheme.algorithm === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const der = pair.publicKey.export({ format: 'der', type: 'spki' })
    const raw = der.subarray(-32)
    const texts: Record<string, string> = {
      'ed25519-hex': raw.toString('hex'),
      'ed25519-base64': raw.toString('base64'),
      whpk: `whpk_${raw.toString('base64')}`,
      'spki-base64': der.toString('base64'),
    }
    return {
      config: { provider: name, secrets: [texts[scheme.key!]!], options },
      privateKey: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    }
  }
  const isHexKey = name === 'adyen' || (scheme.kind === 'signature' && scheme.key === 'hex')
  const secret = isHexKey
    ? 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00'
    : 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  return {
    config: {
      provider: name,
      secrets: [scheme.kind === 'signature' && scheme.key === 'base64' ? 'YWlydGFibGU=' : secret],
      options,
    },
  }
}
