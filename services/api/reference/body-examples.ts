/**
 * Bodies that show what an operation is for, by its name; of others the schemas' own examples are put together. A test sends each
 * through the schema that checks requests.
 */
export const bodyExamples: Readonly<Record<string, unknown>> = {
  createOrganization: { slug: 'acme', displayName: 'Acme', retentionDays: 30 },
  putOrganization: { displayName: 'Acme', retentionDays: 30 },
  updateOrganization: { retentionDays: 90 },
  retryEvent: { destination: 'billing' },
  retryDelivery: {},
  discardDeadLetter: { reason: 'sent twice by the provider' },
  retryDeadLetters: { destination: 'billing', dryRun: true },
  discardDeadLetters: { destination: 'billing', discardReason: 'sent twice by the provider', dryRun: true },
  createReplay: { sources: ['stripe'], after: '2026-03-01T00:00:00Z', dryRun: true },
  createRetry: { filter: { destination: 'billing' }, ratePerSecond: 50, dryRun: true },
  retryIssue: { dryRun: true },
  ignoreIssue: { failures: 100 },
  promoteRejections: { filter: { source: 'stripe' }, dryRun: true },
  createSource: {
    name: 'stripe',
    provider: 'stripe',
    secrets: [{ id: 'first', value: 'whsec_from_the_provider' }],
  },
  putSource: {
    name: 'stripe',
    provider: 'stripe',
    secrets: [{ id: 'first', value: 'whsec_from_the_provider' }],
  },
  updateSource: { rateLimit: { perSecond: 50 } },
  createDestination: { name: 'billing', url: 'https://billing.example.com/hooks' },
  putDestination: { name: 'billing', url: 'https://billing.example.com/hooks', concurrency: 4 },
  updateDestination: { concurrency: 4 },
  createRoute: { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] },
  putRoute: { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] },
  updateRoute: { eventTypes: ['invoice.paid'] },
  previewRoute: { source: 'stripe', eventTypes: ['invoice.*'] },
  addPasskey: {
    name: 'Laptop',
    credential: {
      id: 'VGhlIGlkIG9mIGEgcGFzc2tleQ',
      rawId: 'VGhlIGlkIG9mIGEgcGFzc2tleQ',
      type: 'public-key',
      response: { clientDataJSON: 'e30', attestationObject: 'o2M' },
      clientExtensionResults: {},
    },
  },
  putNotifications: {
    destinationId: 'pager',
    types: ['destination.failing', 'destination.recovered', 'source.silent'],
    silentAfterSeconds: { stripe: 3600 },
  },
  putBillingRates: { rates: { USD: [{ currency: 'EUR', day: '2026-03-01', rate: '0.9214' }] } },
  sendSimulated: {
    source: 'simulator-github',
    headers: { 'x-github-event': 'ping' },
    body: '{"zen":"Design for failure."}',
  },
  changeMemberRole: { role: 'developer' },
  createInvitation: { email: 'ada@example.com', role: 'viewer' },
  createApiKey: { name: 'ci', role: 'developer', scopes: ['events:read'] },
  rotateApiKey: { overlapSeconds: 3600 },
}
