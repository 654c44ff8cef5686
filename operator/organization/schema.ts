import { label, labelRule, name, secretRef } from '@fairlead/wire/declared/field'
import { apiVersion, organizationSettings } from '@fairlead/wire/declared/organization-settings'
import { route } from '@fairlead/wire/declared/route'
import { mapList, type Path, type Rule, ruled, type TransitionRule } from '@fairlead/wire/declared/rule'
import { z } from 'zod'
import { slo } from './slo.ts'
import { destination, source } from './spec-parts.ts'

/**
 * `Organization` (fairlead.dev/v1alpha1): a tenant with its members, sources, destinations and routes. The one
 * source of the file mode's validation and of the CRD (`crd.ts`). Patterns must mean the same in JavaScript and in
 * RE2; each list and text is bounded, because the API server refuses CEL rules whose cost it can't bound.
 *
 *   spec-parts.ts                          sources and destinations, with references to secrets
 *   packages/wire/declared/source.ts       where webhooks of one provider come in
 *   …/destination.ts                       where events go, how, and what lets them in (destination-auth.ts)
 *   …/route.ts                             which events go where, and in which order
 *   …/field.ts                             what fields of these have in common: names, numbers, limits
 */

const member = z.strictObject({
  email: z
    .string()
    .max(254)
    .regex(/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/, 'must be an email address')
    .describe('The address of the person, unique in the organization. At most 254 characters.'),
  role: z
    .enum(['owner', 'admin', 'developer', 'viewer'])
    .describe(
      'Recorded for the organization. Members have no sign-in yet; an API key has a role of its own.',
    ),
})

const hydrate = z.strictObject({
  source: name('Name of a source of stripe: one of spec.sources.'),
  secretRef,
})

/** Keys stand in Secrets, so that the part is a resource's own. */
const ledger = organizationSettings.ledger
  .unwrap()
  .extend({
    hydrate: mapList(
      hydrate,
      'source',
      100,
      'Restricted keys of Stripe (rk_live_…, rk_test_…) with which the ledger fetches what events leave out: lists that Stripe cuts at ten, and objects that thin events only name. The key needs to read customers, products, prices, coupons, subscriptions, invoices, payment intents, charges, refunds, disputes, credit notes and checkout sessions. Without one nothing is fetched. At most 100. Default: none.',
    ).default([]),
  })
  .default({ enabled: false, hydrate: [] })
  .describe('Plans, customers, subscriptions, invoices and payments, kept from billing events.')

interface Named {
  readonly name: string
}
interface Routed {
  readonly ledger: { readonly hydrate: readonly { readonly source: string }[] }
  readonly sources: readonly Named[]
  readonly destinations: readonly Named[]
  readonly routes: readonly { readonly source: string; readonly destinations: readonly string[] }[]
}

const specRules: readonly Rule<Routed>[] = [
  {
    cel: '!has(self.ledger) || self.ledger.hydrate.all(h, self.sources.exists(s, s.name == h.source))',
    message: 'the source of a hydration must be the name of one of spec.sources',
    faults: ({ ledger, sources }) =>
      ledger.hydrate.flatMap(({ source }, index): Path[] =>
        sources.some(({ name }) => name === source) ? [] : [['ledger', 'hydrate', index, 'source']],
      ),
  },
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
    ...organizationSettings,
    slug: name(
      "Part of the webhook URLs, unique in the platform; can't change. A DNS label. Default: metadata.name.",
    ).optional(),
    slo: slo.optional(),
    ledger,
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
export type SecretDocument = z.output<typeof secretSchema>

/** The slug that an Organization has: its own, or its name. */
export function slugOfOrganization(organization: Organization): string {
  return organization.spec.slug ?? organization.metadata.name
}
