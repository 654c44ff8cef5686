import { z } from 'zod'
import { providerNames } from './provider-names.ts'
import { mapList, type Path, type Rule, ruled, type TransitionRule } from './rule.ts'
import { scheme } from './scheme.ts'

/**
 * `Organization` (fairlead.dev/v1alpha1): a tenant with its members, sources, destinations and routes. The one
 * source of the file mode's validation and of the CRD (`crd.ts`). Patterns must mean the same in JavaScript and in
 * RE2; each list and text is bounded, because the API server refuses CEL rules whose cost it can't bound.
 */

/** Part of URLs, subjects and file names: a DNS label. */
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const labelRule =
  'must be lower-case letters, digits and dashes, at most 63, and begin and end with a letter or digit'

const name = (description: string) =>
  z
    .string()
    .max(63, labelRule)
    .regex(new RegExp(`^${label}$`), labelRule)
    .meta({ description })

const integer = (least: number, most: number, unit: string) =>
  z
    .int(`must be a whole number of ${unit}`)
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`)

export const secretRef = z
  .strictObject({
    name: z.string().min(1).max(253).describe("Name of a Secret in this Organization's namespace."),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._a-zA-Z0-9]+$/, 'must be a key of a Secret: letters, digits, dots, dashes and underscores')
      .describe('Key in that Secret.'),
  })
  .describe('Where the secret is; it never stands in this resource itself.')

const rateLimit = (whose: string) =>
  z
    .strictObject({
      perSecond: integer(1, 100_000, 'events a second').describe('Events a second, on average. 1 to 100000.'),
      burst: integer(1, 1_000_000, 'events')
        .optional()
        .describe('Events at once after a quiet time. 1 to 1000000. Default: the value of perSecond.'),
    })
    .describe(`Limit for ${whose}. Default: no limit.`)

const member = z.strictObject({
  email: z
    .string()
    .max(254)
    .regex(/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/, 'must be an email address')
    .describe('The address that sign-in links go to. At most 254 characters.'),
  role: z
    .enum(['owner', 'admin', 'developer', 'viewer'])
    .describe(
      'viewer reads; developer also replays; admin also changes settings; owner also manages members.',
    ),
})

const sourceRules: readonly Rule<{
  provider: string
  scheme?: unknown
  options?: { webhookId?: string | undefined } | undefined
}>[] = [
  {
    cel: "(self.provider == 'custom') == has(self.scheme)",
    message: 'the provider custom needs a scheme, and only custom has one: give scheme, or name the provider',
    faults: source => ((source.provider === 'custom') === (source.scheme !== undefined) ? [] : [['scheme']]),
  },
  {
    cel: "self.provider != 'paypal' || (has(self.options) && has(self.options.webhookId))",
    message:
      "PayPal signs the webhook's own id with each event: give options.webhookId as its developer page shows it",
    faults: source =>
      source.provider !== 'paypal' || source.options?.webhookId !== undefined ? [] : [['options']],
  },
]

const source = ruled(
  z.strictObject({
    name: name('Part of the webhook URL, /webhooks/{slug}/{name}: a DNS label. Unique in this Organization.'),
    provider: z
      .enum(providerNames)
      .describe('Who sends, and so how requests are verified; custom: any HMAC scheme, told by scheme.'),
    secrets: z
      .array(z.strictObject({ secretRef }))
      .max(8, 'at most 8 are allowed: take out old ones, status shows which no longer match')
      .default([])
      .meta({
        description:
          'All of them are live: to rotate, add the new one, wait until the old one no longer matches, remove it. At most 8. Default: none, for providers that sign with keys of their own.',
        'x-kubernetes-list-type': 'atomic',
      }),
    options: z
      .looseObject({ webhookId: z.string().min(1).max(200).optional().describe("PayPal: the webhook's id.") })
      .optional()
      .meta({
        description: 'What the provider needs beside the secret.',
        'x-kubernetes-preserve-unknown-fields': true,
      }),
    scheme: scheme.optional(),
    toleranceSeconds: integer(0, 86_400, 'seconds')
      .optional()
      .describe(
        "How old, or how far ahead, a signed time may be. Seconds, 0 to 86400; 0: times aren't checked. Default: the provider's own.",
      ),
    rateLimit: rateLimit('what this source accepts').optional(),
    deduplicate: z
      .boolean()
      .default(true)
      .describe(
        'A repeated delivery of one event is answered with the first id and goes no further. Default: true.',
      ),
    active: z
      .boolean()
      .default(true)
      .describe('False: requests are refused as from an unknown source. Default: true.'),
  }),
  sourceRules,
  'Where webhooks of one provider come in.',
)

const retryRules: readonly Rule<{ preset?: unknown; delaysSeconds?: unknown }>[] = [
  {
    cel: 'has(self.preset) != has(self.delaysSeconds)',
    message: 'give either preset or delaysSeconds',
    faults: retry => ((retry.preset === undefined) !== (retry.delaysSeconds === undefined) ? [] : [[]]),
  },
]

const retry = ruled(
  z.strictObject({
    preset: z
      .enum(['default', 'standard-webhooks', 'none'])
      .optional()
      .describe(
        'default: after 1, 5 and 15 min. standard-webhooks: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h. none: one attempt only.',
      ),
    delaysSeconds: z
      .array(integer(1, 604_800, 'seconds'))
      .max(20, 'at most 20 are allowed')
      .optional()
      .meta({
        description:
          'Waits before the 2nd, 3rd … attempt. Seconds, 1 to 604800 (a week), at most 20; each is spread by ±20 %.',
        'x-kubernetes-list-type': 'atomic',
      }),
  }),
  retryRules,
  'When a failed delivery is tried again; after the last attempt it is a dead letter. Default: preset default.',
)

const authKinds = ['basic', 'bearer', 'mtls', 'oauth2'] as const

const authRules: readonly Rule<{ readonly [Kind in (typeof authKinds)[number]]?: unknown }>[] = [
  {
    cel: `[${authKinds.map(kind => `has(self.${kind})`).join(', ')}].filter(x, x).size() == 1`,
    message: 'give one of basic, bearer, mtls and oauth2',
    faults: given => (authKinds.filter(kind => given[kind] !== undefined).length === 1 ? [] : [[]]),
  },
]

const auth = ruled(
  z.strictObject({
    basic: z
      .strictObject({
        username: z.string().min(1).max(256).describe('At most 256 characters.'),
        passwordRef: secretRef,
      })
      .optional()
      .describe('Authorization: Basic (RFC 7617).'),
    bearer: z.strictObject({ tokenRef: secretRef }).optional().describe('Authorization: Bearer.'),
    mtls: z
      .strictObject({ certificateRef: secretRef, keyRef: secretRef })
      .optional()
      .describe('A client certificate and its private key, both in PEM.'),
    oauth2: z
      .strictObject({
        tokenUrl: z
          .string()
          .max(2048)
          .regex(/^https:\/\/[^\s/?#@]+([/?][^\s#]*)?$/, 'must be an absolute https URL')
          .describe('Where access tokens are asked for. At most 2048 characters.'),
        clientId: z.string().min(1).max(256).describe('At most 256 characters.'),
        clientSecretRef: secretRef,
        scopes: z
          .array(z.string().min(1).max(256))
          .max(20, 'at most 20 are allowed')
          .optional()
          .meta({ description: 'At most 20. Default: none.', 'x-kubernetes-list-type': 'atomic' }),
        audience: z
          .string()
          .max(2048)
          .optional()
          .describe('Demanded by some servers. At most 2048 characters. Default: none.'),
        credentialsIn: z
          .enum(['header', 'body'])
          .default('header')
          .describe('Whether the client says who it is by Basic or in the form. Default: header.'),
      })
      .optional()
      .describe(
        'An access token by OAuth 2.0 client credentials (RFC 6749, 4.4), kept until shortly before it expires.',
      ),
  }),
  authRules,
  'One way of letting a delivery in. Secrets come from Secret keys.',
)

interface DestinationKinds {
  readonly url?: string | undefined
  readonly nats?: unknown
  readonly processor?: unknown
  readonly auth: readonly unknown[]
  readonly allowInsecureHttp: boolean
}

const destinationRules: readonly Rule<DestinationKinds>[] = [
  {
    cel: '[has(self.url), has(self.nats), has(self.processor)].filter(x, x).size() == 1',
    message: 'give one of url, nats and processor',
    faults: ({ url, nats, processor }) =>
      [url, nats, processor].filter(kind => kind !== undefined).length === 1 ? [] : [[]],
  },
  {
    cel: "!has(self.url) || (isURL(self.url) && url(self.url).getHostname() != '' && (url(self.url).getPort() == '' || int(url(self.url).getPort()) <= 65535))",
    message: 'must be an absolute URL such as https://example.com/hooks',
    faults: ({ url }) => (url === undefined || URL.canParse(url) ? [] : [['url']]),
  },
  {
    cel: "!has(self.url) || self.url.startsWith('https://') || self.allowInsecureHttp",
    message: 'must begin with https:// (or set allowInsecureHttp: true for a network that you trust)',
    faults: ({ url, allowInsecureHttp }) =>
      url === undefined || url.startsWith('https://') || allowInsecureHttp ? [] : [['url']],
  },
  {
    cel: 'has(self.url) || self.auth.size() == 0',
    message: 'auth is for destinations with a url',
    faults: ({ url, auth }) => (url !== undefined || auth.length === 0 ? [] : [['auth']]),
  },
]

const destination = ruled(
  z.strictObject({
    name: name('How routes, status and the log call it: a DNS label. Unique in this Organization.'),
    url: z
      .string()
      .max(2048)
      .regex(
        /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/,
        'must be an absolute http or https URL without user, password or fragment',
      )
      .optional()
      .describe(
        'Where events are posted to. Addresses of private networks are refused when they are dialled, unless the platform allows them. At most 2048 characters.',
      ),
    nats: z
      .strictObject({})
      .optional()
      .describe(
        'Instead of url: events become messages of the JetStream stream OUTBOUND, with the subject outbound.<slug>.<name>, for consumers in the cluster. They are kept for 7 days.',
      ),
    processor: z
      .strictObject({
        name: z
          .enum(['tally'])
          .describe('tally: counts events by provider in the metric fairlead_tally_events_total.'),
      })
      .optional()
      .describe('Instead of url: events are given to a processor that is built into the worker.'),
    auth: z.array(auth).max(4, 'at most 4 are allowed').default([]).meta({
      description:
        "What the url asks for to let a delivery in, beside Fairlead's own signature; several go together. At most 4.",
      'x-kubernetes-list-type': 'atomic',
    }),
    allowInsecureHttp: z
      .boolean()
      .default(false)
      .describe('Allows a url that begins with http://: events then travel readable. Default: false.'),
    timeoutSeconds: integer(1, 60, 'seconds')
      .default(15)
      .describe("From a request's start to its answer's end. Seconds, 1 to 60. Default: 15."),
    concurrency: integer(1, 100, 'requests')
      .default(10)
      .describe('Requests to it at one time. 1 to 100. Default: 10.'),
    rateLimit: rateLimit('what it gets').optional(),
    retry: retry.default({ preset: 'default' }),
    headers: mapList(
      z.strictObject({
        name: z
          .string()
          .max(128)
          .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be the name of an HTTP header')
          .describe('Name of the header. At most 128 characters.'),
        secretRef,
      }),
      'name',
      20,
      'Request headers of your own, such as Authorization; values come from Secrets. At most 20.',
    ).default([]),
    paused: z.boolean().default(false).describe('True: nothing is sent, deliveries wait. Default: false.'),
    active: z
      .boolean()
      .default(true)
      .describe('False: events are no longer delivered to it, and none wait for it. Default: true.'),
  }),
  destinationRules,
  'An address that events are delivered to, and how.',
)

const orderRules: readonly Rule<{ readonly pointer?: unknown; readonly header?: unknown }>[] = [
  {
    cel: 'has(self.pointer) != has(self.header)',
    message: 'give either pointer or header',
    faults: key => ((key.pointer === undefined) !== (key.header === undefined) ? [] : [[]]),
  },
]

const order = z
  .strictObject({
    key: ruled(
      z.strictObject({
        pointer: z
          .string()
          .max(256)
          .regex(/^(\/[^\s]*)+$/, 'must be a JSON pointer such as /data/object/customer')
          .optional()
          .describe('A JSON pointer into the body (RFC 6901), up to 1 MiB of it. At most 256 characters.'),
        header: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .describe('Name of a request header. At most 128 characters.'),
      }),
      orderRules,
      'Where the key is. An event without it is in no order.',
    ),
    maxWaitSeconds: integer(1, 86_400, 'seconds')
      .default(300)
      .describe(
        'A delivery that has waited so long for the one before goes all the same. Seconds, 1 to 86400. Default: 300.',
      ),
  })
  .describe(
    'Deliveries to one destination with the same key go one after the other, each when the one before has ended. Default: no order.',
  )

const route = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[-a-z0-9*]+$/, 'must be the name of a source; * stands for any run of characters')
      .describe('Name of a source; * stands for any run of characters.'),
    eventTypes: z
      .array(z.string().min(1).max(256))
      .min(1, 'give at least one, "*" for all')
      .max(100, 'at most 100 are allowed')
      .default(['*'])
      .meta({
        description:
          'Types as the provider names them; * stands for any run of characters; an event matches if any does. At most 100. Default: all.',
        'x-kubernetes-list-type': 'atomic',
      }),
    destinations: z
      .array(z.string().min(1).max(63))
      .min(1, 'name at least one destination')
      .max(20, 'at most 20 are allowed')
      .meta({ description: 'Names of destinations, 1 to 20.', 'x-kubernetes-list-type': 'atomic' }),
    order: order.optional(),
  })
  .describe('Which events of a source go to which destinations.')

interface Named {
  readonly name: string
}
interface Routed {
  readonly sources: readonly Named[]
  readonly destinations: readonly Named[]
  readonly routes: readonly { readonly source: string; readonly destinations: readonly string[] }[]
}

const specRules: readonly Rule<Routed>[] = [
  {
    cel: "self.routes.all(r, r.source.contains('*') || self.sources.exists(s, s.name == r.source))",
    message: "a route's source must be the name of one of spec.sources, or have a * in it",
    faults: ({ routes, sources }) =>
      routes.flatMap((route, index): Path[] =>
        route.source.includes('*') || sources.some(({ name }) => name === route.source)
          ? []
          : [['routes', index, 'source']],
      ),
  },
  {
    cel: 'self.routes.all(r, r.destinations.all(d, self.destinations.exists(x, x.name == d)))',
    message: "a route's destinations must be names of spec.destinations",
    faults: ({ routes, destinations }) =>
      routes.flatMap((route, index) =>
        route.destinations.flatMap((wanted, at): Path[] =>
          destinations.some(({ name }) => name === wanted) ? [] : [['routes', index, 'destinations', at]],
        ),
      ),
  },
]

const spec = ruled(
  z.strictObject({
    displayName: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('As people read it. At most 100 characters. Default: the slug.'),
    slug: name(
      "Part of the webhook URLs, unique in the platform; can't change. A DNS label. Default: metadata.name.",
    ).optional(),
    plan: z
      .string()
      .min(1)
      .max(63)
      .optional()
      .describe(
        'What the organization has booked, for people and reports; sets no limit by itself. At most 63 characters.',
      ),
    webhookLimit: integer(1, 1_000_000_000_000, 'events')
      .optional()
      .describe(
        'Accepted events in a calendar month (UTC); further ones are refused with 429. Default: no limit.',
      ),
    active: z
      .boolean()
      .default(true)
      .describe('False: requests are refused with 403, deliveries under way end. Default: true.'),
    retentionDays: integer(1, 365, 'days')
      .default(7)
      .describe(
        "How long the log keeps events and attempts. Days, 1 to 365. Default: 7. Bodies are kept as long as the platform's stream keeps them.",
      ),
    rateLimit: rateLimit('all sources together').optional(),
    members: mapList(member, 'email', 500, 'Who may sign in. At most 500.').default([]),
    sources: mapList(source, 'name', 100, 'Where webhooks come in. At most 100.').default([]),
    destinations: mapList(destination, 'name', 100, 'Where events are delivered to. At most 100.').default(
      [],
    ),
    routes: z.array(route).max(100, 'at most 100 are allowed').default([]).meta({
      description:
        'Which events go where; an event goes to each destination once, however many routes name it. At most 100.',
      'x-kubernetes-list-type': 'atomic',
    }),
  }),
  specRules,
  'What the organization is meant to be.',
)

const metadata = z.looseObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits, dashes and dots'),
  namespace: z
    .string()
    .max(63)
    .regex(new RegExp(`^${label}$`), labelRule)
    .default('default'),
  annotations: z.record(z.string(), z.string()).optional(),
})

const organizationRules: readonly Rule<{
  metadata: { name: string }
  spec: { slug?: string | undefined }
}>[] = [
  {
    cel: `has(self.spec.slug) || self.metadata.name.matches('^${label}$')`,
    message: 'metadata.name is no DNS label and so can be no part of a URL: give spec.slug',
    faults: ({ metadata, spec }) =>
      spec.slug !== undefined || new RegExp(`^${label}$`).test(metadata.name) ? [] : [['metadata', 'name']],
  },
]

const slugOf = (self: string) => `(has(${self}.spec.slug) ? ${self}.spec.slug : ${self}.metadata.name)`
const organizationTransitions: readonly TransitionRule[] = [
  {
    cel: `${slugOf('self')} == ${slugOf('oldSelf')}`,
    message:
      "spec.slug can't change, because it is part of the webhook URLs: make another Organization and delete this one",
  },
]

export const apiVersion = 'fairlead.dev/v1alpha1'

export const organizationSchema = ruled(
  z.strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('Organization'),
    metadata,
    // May be left out: server-side apply takes an empty map away when it is applied again.
    spec: spec.prefault({}),
    /** Written by the operator; ignored where someone applies it. */
    status: z.unknown().optional(),
  }),
  organizationRules,
  'A tenant: its members, where its webhooks come from, and where they go.',
  organizationTransitions,
)

/** A Secret document beside Organizations in files: as Kubernetes has it. `stringData` wins over `data`. */
export const secretSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata,
  type: z.string().optional(),
  data: z.record(z.string(), z.base64('must be base64 (or use stringData for plain text)')).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
  immutable: z.boolean().optional(),
})

export type Organization = z.output<typeof organizationSchema>
export type OrganizationSpec = Organization['spec']
export type SourceSpec = OrganizationSpec['sources'][number]
export type DestinationSpec = OrganizationSpec['destinations'][number]
export type RouteSpec = OrganizationSpec['routes'][number]
export type SecretRef = z.output<typeof secretRef>
export type SecretDocument = z.output<typeof secretSchema>

/** The slug that an Organization has: its own, or its name. */
export function slugOfOrganization(organization: Organization): string {
  return organization.spec.slug ?? organization.metadata.name
}
