import { billing, scheme, secrets, stripe } from './an-organization.ts'
import type { Fault } from './fault.ts'
import { targetRule } from './slo.ts'

/** Organizations that are refused, as data: the same rows run against zod and against a real API server. */
export interface RefusedRow {
  readonly name: string
  readonly spec?: Record<string, unknown>
  readonly metadata?: Record<string, unknown>
  /** The faults reported for files. */
  readonly faults: readonly { readonly path: string; readonly message: Fault['message'] }[]
  /** A part of the API server's message. */
  readonly api: string
}

export const refusedRows: readonly RefusedRow[] = [
  {
    name: 'an unknown provider',
    spec: { sources: [{ ...stripe, provider: 'strpe' }] },
    faults: [{ path: 'spec.sources[0].provider', message: '"strpe" is not known; did you mean stripe?' }],
    api: 'spec.sources[0].provider: Unsupported value: "strpe"',
  },
  {
    name: 'the provider custom without a scheme',
    spec: { sources: [{ name: 'partner', provider: 'custom', secrets }] },
    faults: [
      {
        path: 'spec.sources[0].scheme',
        message:
          'the provider custom needs a scheme, and only custom has one: give scheme, or name the provider',
      },
    ],
    api: 'the provider custom needs a scheme, and only custom has one',
  },
  {
    name: 'a scheme beside a known provider',
    spec: { sources: [{ ...stripe, scheme }] },
    faults: [
      {
        path: 'spec.sources[0].scheme',
        message:
          'the provider custom needs a scheme, and only custom has one: give scheme, or name the provider',
      },
    ],
    api: 'the provider custom needs a scheme, and only custom has one',
  },
  {
    name: 'PayPal without its webhook id',
    spec: { sources: [{ name: 'paypal', provider: 'paypal' }] },
    faults: [
      {
        path: 'spec.sources[0].options',
        message:
          "PayPal signs the webhook's own id with each event: give options.webhookId as its developer page shows it",
      },
    ],
    api: 'give options.webhookId',
  },
  {
    name: 'a public URL with a query',
    spec: { sources: [{ ...stripe, options: { publicUrl: 'https://hooks.acme.example/stripe?a=1' } }] },
    faults: [
      {
        path: 'spec.sources[0].options.publicUrl',
        message: 'must be an absolute http or https URL without user, query or fragment',
      },
    ],
    api: 'spec.sources[0].options.publicUrl: Invalid value',
  },
  {
    name: 'two sources of one name',
    spec: { sources: [stripe, { ...stripe, provider: 'github' }] },
    faults: [{ path: 'spec.sources[1].name', message: '"stripe" is used twice: give each its own' }],
    api: 'spec.sources[1]: Duplicate value: {"name":"stripe"}',
  },
  {
    name: 'a member twice',
    spec: {
      members: [
        { email: 'owner@acme.example', role: 'owner' },
        { email: 'owner@acme.example', role: 'viewer' },
      ],
    },
    faults: [
      { path: 'spec.members[1].email', message: '"owner@acme.example" is used twice: give each its own' },
    ],
    api: 'spec.members[1]: Duplicate value',
  },
  {
    name: 'a source whose name can be no part of a URL',
    spec: { sources: [{ ...stripe, name: 'Stripe!' }] },
    faults: [
      {
        path: 'spec.sources[0].name',
        message:
          'must be lower-case letters, digits and dashes, at most 63, and begin and end with a letter or digit',
      },
    ],
    api: 'spec.sources[0].name: Invalid value: "Stripe!"',
  },
  {
    name: 'a route from a source that is not there',
    spec: {
      sources: [stripe],
      destinations: [billing],
      routes: [{ source: 'strip', destinations: ['billing'] }],
    },
    faults: [
      {
        path: 'spec.routes[0].source',
        message: "a route's source must be the name of one of spec.sources, or have a * in it",
      },
    ],
    api: "a route's source must be the name of one of spec.sources",
  },
  {
    name: 'a key for a source that is not there',
    spec: {
      sources: [stripe],
      ledger: { hydrate: [{ source: 'strip', secretRef: { name: 'acme', key: 'restricted' } }] },
    },
    faults: [
      {
        path: 'spec.ledger.hydrate[0].source',
        message: 'the source of a hydration must be the name of one of spec.sources',
      },
    ],
    api: 'the source of a hydration must be the name of one of spec.sources',
  },
  {
    name: 'a route to a destination that is not there',
    spec: {
      sources: [stripe],
      destinations: [billing],
      routes: [{ source: 'stripe', destinations: ['billing', 'books'] }],
    },
    faults: [
      {
        path: 'spec.routes[0].destinations[1]',
        message: "a route's destinations must be names of spec.destinations",
      },
    ],
    api: "a route's destinations must be names of spec.destinations",
  },
  {
    name: 'http where it is not allowed',
    spec: { destinations: [{ ...billing, url: 'http://billing.example.com/hooks' }] },
    faults: [
      {
        path: 'spec.destinations[0].url',
        message: 'must begin with https:// (or set allowInsecureHttp: true for a network that you trust)',
      },
    ],
    api: 'must begin with https:// (or set allowInsecureHttp: true for a network that you trust)',
  },
  {
    name: 'a URL with a password in it',
    spec: { destinations: [{ ...billing, url: 'https://user:test@billing.example.com/' }] },
    faults: [
      {
        path: 'spec.destinations[0].url',
        message: 'must be an absolute http or https URL without user, password or fragment',
      },
    ],
    api: 'spec.destinations[0].url: Invalid value',
  },
  {
    name: 'a URL with a port that is none',
    spec: { destinations: [{ ...billing, url: 'https://billing.example.com:99999/' }] },
    faults: [
      {
        path: 'spec.destinations[0].url',
        message: 'must be an absolute URL such as https://example.com/hooks',
      },
    ],
    api: 'must be an absolute URL such as https://example.com/hooks',
  },
  {
    name: 'a URL with port 0',
    spec: { destinations: [{ ...billing, url: 'https://billing.example.com:0/' }] },
    faults: [
      {
        path: 'spec.destinations[0].url',
        message: 'must be an absolute URL such as https://example.com/hooks',
      },
    ],
    api: 'must be an absolute URL such as https://example.com/hooks',
  },
  {
    name: 'both a preset and delays',
    spec: { destinations: [{ ...billing, retry: { preset: 'none', delaysSeconds: [1] } }] },
    faults: [{ path: 'spec.destinations[0].retry', message: 'give either preset or delaysSeconds' }],
    api: 'give either preset or delaysSeconds',
  },
  {
    name: 'a timeout beyond the limit',
    spec: { destinations: [{ ...billing, timeoutSeconds: 61 }] },
    faults: [{ path: 'spec.destinations[0].timeoutSeconds', message: 'must be at most 60' }],
    api: 'spec.destinations[0].timeoutSeconds: Invalid value: 61',
  },
  {
    name: 'a number as text',
    spec: { destinations: [{ ...billing, concurrency: '10' }] },
    faults: [
      {
        path: 'spec.destinations[0].concurrency',
        message: 'must be a number, not a text',
      },
    ],
    api: 'spec.destinations[0].concurrency: Invalid value: "string"',
  },
  {
    name: 'a misspelt field',
    spec: { sources: [{ name: 'stripe', provider: 'stripe', secret: secrets }] },
    faults: [
      {
        path: 'spec.sources[0].secret',
        message: 'is no field here; did you mean secrets?',
      },
    ],
    api: 'unknown field "spec.sources[0].secret"',
  },
  {
    name: 'a destination without a URL',
    spec: { destinations: [{ name: 'billing' }] },
    faults: [{ path: 'spec.destinations[0]', message: 'give one of url, nats and processor' }],
    api: 'spec.destinations[0]: Invalid value: give one of url, nats and processor',
  },
  {
    name: 'a destination of two kinds',
    spec: { destinations: [{ ...billing, nats: {} }] },
    faults: [{ path: 'spec.destinations[0]', message: 'give one of url, nats and processor' }],
    api: 'give one of url, nats and processor',
  },
  {
    name: 'authentication for what is no address',
    spec: {
      destinations: [
        { name: 'bus', nats: {}, auth: [{ bearer: { tokenRef: { name: 'acme', key: 'token' } } }] },
      ],
    },
    faults: [{ path: 'spec.destinations[0].auth', message: 'auth is for destinations with a url' }],
    api: 'auth is for destinations with a url',
  },
  {
    name: 'an authentication of no kind',
    spec: { destinations: [{ ...billing, auth: [{}] }] },
    faults: [{ path: 'spec.destinations[0].auth[0]', message: 'give one of basic, bearer, mtls and oauth2' }],
    api: 'give one of basic, bearer, mtls and oauth2',
  },
  {
    name: 'an order by two keys',
    spec: {
      destinations: [billing],
      routes: [
        { source: '*', destinations: ['billing'], order: { key: { pointer: '/id', header: 'x-id' } } },
      ],
    },
    faults: [{ path: 'spec.routes[0].order.key', message: 'give either pointer or header' }],
    api: 'give either pointer or header',
  },
  {
    name: 'a target with which no alert could fire',
    spec: { slo: { freshness: { target: 0.9 } } },
    faults: [{ path: 'spec.slo.freshness.target', message: targetRule }],
    api: targetRule,
  },
  {
    name: 'an unknown role',
    spec: { members: [{ email: 'owner@acme.example', role: 'boss' }] },
    faults: [
      {
        path: 'spec.members[0].role',
        message: '"boss" is not known; there are owner, admin, developer, viewer',
      },
    ],
    api: 'spec.members[0].role: Unsupported value: "boss"',
  },
  {
    name: 'a name with a dot and no slug',
    metadata: { name: 'acme.example' },
    faults: [
      {
        path: 'metadata.name',
        message: 'metadata.name is no DNS label and so can be no part of a URL: give spec.slug',
      },
    ],
    api: 'metadata.name is no DNS label and so can be no part of a URL: give spec.slug',
  },
]
