import { billing, scheme, secrets, stripe } from './an-organization.ts'

/** Organizations that are accepted, as data: the same rows run against zod and against a real API server. */
export const acceptedRows: readonly { readonly name: string; readonly spec: Record<string, unknown> }[] = [
  { name: 'nothing but a name', spec: {} },
  {
    name: 'a source, a destination and a route',
    spec: {
      sources: [stripe],
      destinations: [billing],
      routes: [{ source: 'stripe', destinations: ['billing'] }],
    },
  },
  {
    name: 'a route from all sources',
    spec: {
      destinations: [billing],
      routes: [{ source: '*', eventTypes: ['invoice.*'], destinations: ['billing'] }],
    },
  },
  {
    name: 'destinations of three kinds, in and out of order',
    spec: {
      destinations: [billing, { name: 'bus', nats: {} }, { name: 'count', processor: { name: 'tally' } }],
      routes: [
        {
          source: '*',
          destinations: ['billing', 'bus', 'count'],
          order: { key: { pointer: '/data/object/customer' }, maxWaitSeconds: 60 },
        },
        { source: '*', eventTypes: ['x'], destinations: ['bus'], order: { key: { header: 'x-account' } } },
      ],
    },
  },
  {
    name: 'every way of letting a delivery in',
    spec: {
      destinations: [
        {
          ...billing,
          auth: [
            { basic: { username: 'fairlead', passwordRef: { name: 'acme', key: 'password' } } },
            { bearer: { tokenRef: { name: 'acme', key: 'token' } } },
            {
              mtls: {
                certificateRef: { name: 'acme', key: 'tls.crt' },
                keyRef: { name: 'acme', key: 'tls.key' },
              },
            },
            {
              oauth2: {
                tokenUrl: 'https://login.example.com/token',
                clientId: 'fairlead',
                clientSecretRef: { name: 'acme', key: 'client' },
                scopes: ['hooks'],
              },
            },
          ],
        },
      ],
    },
  },
  {
    name: 'two live secrets',
    spec: {
      sources: [{ ...stripe, secrets: [...secrets, { secretRef: { name: 'acme', key: 'stripe-new' } }] }],
    },
  },
  {
    name: 'a scheme of its own',
    spec: { sources: [{ name: 'partner', provider: 'custom', secrets, scheme }] },
  },
  {
    name: 'PayPal with its webhook id',
    spec: {
      sources: [{ name: 'paypal', provider: 'paypal', options: { webhookId: '8PT597110X687430LKGECATA' } }],
    },
  },
  {
    name: 'the URL that the provider was given',
    spec: {
      sources: [
        {
          ...stripe,
          options: { publicUrl: 'https://hooks.acme.example:8443/in/stripe' },
        },
      ],
    },
  },
  {
    name: 'http where it is allowed',
    spec: { destinations: [{ ...billing, url: 'http://127.0.0.1:8089/echo', allowInsecureHttp: true }] },
  },
  {
    name: 'delays of its own',
    spec: { destinations: [{ ...billing, retry: { delaysSeconds: [1, 2, 3] } }] },
  },
  { name: 'no waits at all', spec: { destinations: [{ ...billing, retry: { delaysSeconds: [] } }] } },
  {
    name: 'a header from a Secret',
    spec: {
      destinations: [{ ...billing, headers: [{ name: 'Authorization', secretRef: secrets[0]!.secretRef }] }],
    },
  },
  {
    name: 'a source of one account of the provider, whose incomplete events are filled by a key',
    spec: {
      sources: [{ ...stripe, account: 'acct_1MowQVLkdIwHu7ix' }],
      ledger: {
        enabled: true,
        hydrate: [{ source: stripe.name, secretRef: { name: 'acme', key: 'restricted' } }],
      },
    },
  },
  {
    name: 'every limit',
    spec: {
      plan: 'pro',
      webhookLimit: 1_000_000,
      retentionDays: 30,
      weight: 20,
      ledger: { enabled: true },
      rateLimit: { perSecond: 500, burst: 1000 },
      active: false,
      members: [{ email: 'owner@acme.example', role: 'owner' }],
    },
  },
]
