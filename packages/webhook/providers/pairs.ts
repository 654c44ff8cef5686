import type { SignatureDescriptor } from '../verify/descriptor.ts'
import type { TimestampUnit } from '../verify/timestamp.ts'
import type { SchemeDefinition } from './provider.ts'

/** The family of Stripe: time and signatures in one header, `t=…,v1=<hex>`, over `time.body`. */
export function timeAndSignatures(
  header: string,
  rule: { readonly unit: TimestampUnit; readonly past: number | null },
  differs: Partial<SignatureDescriptor> = {},
): SchemeDefinition {
  return {
    kind: 'signature',
    algorithm: 'hmac-sha256',
    encoding: 'hex',
    headers: [header],
    pair: { separator: ',', name: 'v1' },
    timestamp: { pair: 't', future: null, ...rule },
    content: ['{timestamp}', '.', '{body}'],
    ...differs,
  }
}
