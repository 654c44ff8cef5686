/** Names of the providers that a source may have. */
export const providerNames = [
  'stripe',
  'github',
  'standard-webhooks',
  'paypal',
  'shopify',
  'slack',
  'custom',
] as const
