import { z } from 'zod'
import { type AuthSecrets, authOf } from './destination-auth.ts'
import { integer, name, rateLimit } from './field.ts'
import { mapList, type Rule, ruled } from './rule.ts'

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
    cel: "!has(self.url) || (isURL(self.url) && url(self.url).getHostname() != '' && (url(self.url).getPort() == '' || int(url(self.url).getPort()) > 0 && int(url(self.url).getPort()) <= 65535))",
    message: 'must be an absolute URL such as https://example.com/hooks',
    faults: ({ url }) =>
      url === undefined || (URL.canParse(url) && new URL(url).port !== '0') ? [] : [['url']],
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

/** Where events go: one of these. */
const kinds = {
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
}

/** How fast events are sent, and when again. */
const pace = {
  timeoutSeconds: integer(1, 60, 'seconds')
    .default(15)
    .describe("From a request's start to its answer's end. Seconds, 1 to 60. Default: 15."),
  concurrency: integer(1, 100, 'requests')
    .optional()
    .describe(
      'Requests to it at one time, as a limit. 1 to 100. Default: between 10 and 64, by how fast it answers.',
    ),
  rateLimit: rateLimit('what it gets').optional(),
  retry: retry.default({ preset: 'default' }),
}

const switches = {
  paused: z.boolean().default(false).describe('True: nothing is sent, deliveries wait. Default: false.'),
  active: z
    .boolean()
    .default(true)
    .describe('False: events are no longer delivered to it, and none wait for it. Default: true.'),
}

type Shape = z.core.$ZodLooseShape

/**
 * Where events go, as a resource, a file and a request of the API declare it.
 *
 * @param secrets the fields that hold secrets: references in a resource, plain text in a request
 */
export const destinationOf = <
  Header extends Shape,
  Basic extends Shape,
  Bearer extends Shape,
  Mtls extends Shape,
  OAuth2 extends Shape,
>(
  secrets: AuthSecrets<Basic, Bearer, Mtls, OAuth2> & { readonly header: Header },
) =>
  ruled(
    z.strictObject({
      name: name('How routes, status and the log call it: a DNS label. Unique in this Organization.'),
      ...kinds,
      auth: z.array(authOf(secrets)).max(4, 'at most 4 are allowed').default([]).meta({
        description:
          "What the url asks for to let a delivery in, beside Fairlead's own signature; several go together. At most 4.",
        'x-kubernetes-list-type': 'atomic',
      }),
      allowInsecureHttp: z
        .boolean()
        .default(false)
        .describe('Allows a url that begins with http://: events then travel readable. Default: false.'),
      ...pace,
      headers: mapList(
        z.strictObject({
          name: z
            .string()
            .max(128)
            .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be the name of an HTTP header')
            .describe('Name of the header. At most 128 characters.'),
          ...secrets.header,
        }),
        'name',
        20,
        'Request headers of your own, such as Authorization; their values are secret. Left out are webhook-id, webhook-timestamp, webhook-signature, fairlead-* and headers of the connection, such as Host: Fairlead sets these. At most 20.',
      ).default([]),
      forwardCredentials: z
        .boolean()
        .default(false)
        .describe(
          'True: it also gets the credential by which a source is verified, where that is a shared token, Basic credentials or a JWT that does not bind the body. Whoever has it can forge webhooks of that source. Default: false.',
        ),
      traceContext: z
        .enum(['w3c', 'none'])
        .default('w3c')
        .describe(
          "w3c: each delivery carries a traceparent, so that the receiving service's spans join Fairlead's trace. none: it carries none. Default: w3c.",
        ),
      ...switches,
    }),
    destinationRules,
    'An address that events are delivered to, and how.',
  )
