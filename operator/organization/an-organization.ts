/** An Organization as someone writes it, for tests: a spec is laid over a good one. */
export function anOrganization(
  spec: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
): { apiVersion: string; kind: string; metadata: Record<string, unknown>; spec: Record<string, unknown> } {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Organization',
    metadata: { name: 'acme', ...metadata },
    spec: { displayName: 'Acme Corp', ...spec },
  }
}

/** Parts of a spec. */
export const secrets = [{ secretRef: { name: 'acme', key: 'stripe' } }]
export const stripe = { name: 'stripe', provider: 'stripe', secrets }
export const billing = { name: 'billing', url: 'https://billing.example.com/hooks' }
export const scheme = {
  algorithm: 'hmac-sha256',
  header: 'x-partner-signature',
  content: ['{timestamp}', '.', '{body}'],
  timestamp: { header: 'x-partner-time' },
}
