import type { SignatureDescriptor } from '../verify/descriptor.ts'
import type { SchemeDefinition } from './provider.ts'

/** Nothing but an HMAC of the body in a header: the largest family. */
export function plainHmac(
  header: string,
  encoding: 'hex' | 'base64',
  differs: Partial<SignatureDescriptor> = {},
): SchemeDefinition {
  return {
    kind: 'signature',
    algorithm: 'hmac-sha256',
    encoding,
    headers: [header],
    content: ['{body}'],
    ...differs,
  }
}
