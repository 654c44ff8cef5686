import { create } from '@bufbuild/protobuf'
import { DestinationSchema } from '@fairlead/wire/store/destination'
import { SourceSchema } from '@fairlead/wire/store/source'
import { expect, test } from 'vitest'
import { anOrganization } from './an-organization.ts'
import { diff } from './diff.ts'
import type { Health } from './holdings.ts'
import type { Snapshot } from './observe.ts'
import type { Action, Obstacle } from './plan.ts'
import { type Organization, organizationSchema } from './schema.ts'
import { desiredTenantSecret } from './tenant-secret.ts'

const fresh = { apiKey: 'key_live_fresh', signingKey: 'whsec_fresh' }
const publicUrl = 'https://hooks.example.com'
const source = {
  name: 'stripe',
  provider: 'stripe',
  secrets: [{ secretRef: { name: 'acme', key: 'stripe' } }],
}
const secrets = new Map([['acme/stripe', 'whsec_test']])

function parsed(spec: Record<string, unknown> = {}, annotations: Record<string, string> = {}): Organization {
  return organizationSchema.parse(anOrganization(spec, { annotations }))
}

function aSnapshot(overrides: Partial<Snapshot> & { readonly organization?: Organization } = {}): Snapshot {
  const { organization = parsed({ sources: [source] }), ...rest } = overrides
  return {
    key: 'default/acme',
    declared: { organization, generation: 1, deleting: false },
    secrets,
    tenantSecret: undefined,
    tenantSecretTaken: false,
    stored: undefined,
    inForce: undefined,
    fresh,
    publicUrl,
    ...rest,
  }
}

const inForce = (sources: string[], destinations: string[]): Health => ({
  kind: 'known',
  version: '',
  sources: sources.map(name => create(SourceSchema, { name })),
  destinations: destinations.map(name => create(DestinationSchema, { name })),
})

const kept = desiredTenantSecret(
  parsed({ sources: [source] }),
  undefined,
  { apiKey: 'key_live_kept', signingKey: 'whsec_kept' },
  publicUrl,
)
const deleting = { organization: parsed(), generation: 2, deleting: true }

test.each<{ name: string; snapshot: Snapshot; actions: Action['kind'][]; obstacle?: Obstacle['reason'] }>([
  {
    name: 'a new one gets its Secret before the store knows its keys',
    snapshot: aSnapshot(),
    actions: ['claim', 'write-tenant-secret', 'apply'],
  },
  {
    name: 'a known one is only applied',
    snapshot: aSnapshot({ tenantSecret: kept }),
    actions: ['claim', 'apply'],
  },
  {
    name: 'another source changes the Secret, because of its URL',
    snapshot: aSnapshot({
      tenantSecret: kept,
      organization: parsed({ sources: [{ ...source, name: 'stripe-eu' }] }),
    }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
  },
  {
    name: 'a new source without its secret is left out, and the rest applied',
    snapshot: aSnapshot({ secrets: new Map() }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'a missing key of the ledger keeps nothing from being applied, also where its source is in force',
    snapshot: aSnapshot({
      organization: parsed({
        sources: [source],
        ledger: {
          enabled: true,
          hydrate: [{ source: 'stripe', secretRef: { name: 'acme', key: 'restricted' } }],
        },
      }),
      inForce: inForce(['stripe'], []),
    }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'an empty secret is a missing one',
    snapshot: aSnapshot({ secrets: new Map([['acme/stripe', '']]) }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'the missing secret of a source that is in force holds all back',
    snapshot: aSnapshot({
      secrets: new Map(),
      inForce: inForce(['stripe'], []),
    }),
    actions: ['claim'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'the missing secret of a destination that is in force holds all back',
    snapshot: aSnapshot({
      organization: parsed({
        destinations: [
          {
            name: 'billing',
            url: 'https://billing.example.com/',
            headers: [{ name: 'X-Key', secretRef: { name: 'acme', key: 'billing' } }],
          },
        ],
      }),
      inForce: inForce([], ['billing']),
    }),
    actions: ['claim'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'while it isn’t known what is in force, a missing secret holds all back',
    snapshot: aSnapshot({ secrets: new Map(), inForce: 'unavailable' }),
    actions: ['claim'],
    obstacle: 'SecretMissing',
  },
  {
    name: 'a Secret of someone else in the place of the tenant’s holds all back',
    snapshot: aSnapshot({ tenantSecretTaken: true }),
    actions: ['claim'],
    obstacle: 'SecretNotOurs',
  },
  {
    name: 'a new source whose secret can’t be a key is left out, and the rest applied',
    snapshot: aSnapshot({
      organization: parsed({ sources: [{ ...source, provider: 'standard-webhooks' }] }),
      secrets: new Map([['acme/stripe', 'not base64 at all!']]),
    }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
    obstacle: 'SourceInvalid',
  },
  {
    name: 'a source that isn’t active may be wrong',
    snapshot: aSnapshot({
      organization: parsed({ sources: [{ ...source, provider: 'standard-webhooks', active: false }] }),
      secrets: new Map([['acme/stripe', 'not base64 at all!']]),
    }),
    actions: ['claim', 'write-tenant-secret', 'apply'],
  },
  {
    name: 'a deleted one is deleted in the store, then let go',
    snapshot: aSnapshot({ declared: deleting, stored: { id: 'org_1', ours: true } }),
    actions: ['delete', 'release'],
  },
  {
    name: 'a deleted one that the store never had is let go',
    snapshot: aSnapshot({ declared: deleting }),
    actions: ['release'],
  },
  {
    name: 'a deleted one doesn’t take another owner’s with it',
    snapshot: aSnapshot({ declared: deleting, stored: { id: 'org_1', ours: false } }),
    actions: ['release'],
  },
  {
    name: 'a deleted one waits for the store',
    snapshot: aSnapshot({ declared: deleting, stored: 'unavailable' }),
    actions: [],
    obstacle: 'StoreUnavailable',
  },
])('$name', ({ snapshot, actions, obstacle }) => {
  const plan = diff(snapshot)
  expect(plan.actions.map(({ kind }) => kind)).toEqual(actions)
  expect(plan.obstacle?.reason).toBe(obstacle)
})

test('says which secrets are missing, and shows no secret', () => {
  const organization = parsed({
    sources: [
      source,
      {
        ...source,
        name: 'github',
        provider: 'github',
        secrets: [{ secretRef: { name: 'acme', key: 'github' } }],
      },
    ],
  })
  expect(diff(aSnapshot({ organization })).obstacle?.message).toBe(
    'source github: missing or empty: key github of Secret acme (the rest is in force)',
  )
  const held = aSnapshot({ organization, inForce: inForce(['github'], []) })
  expect(diff(held).obstacle?.message).toBe(
    'source github: missing or empty: key github of Secret acme (all that was in force before stays so, and no other change is applied until then)',
  )
})

test('the request to the store holds what the spec declares', () => {
  const organization = parsed({
    webhookLimit: 1000,
    sources: [{ ...source, rateLimit: { perSecond: 5 } }],
    destinations: [
      {
        name: 'billing',
        url: 'https://billing.example.com/',
        headers: [{ name: 'X-Key', secretRef: { name: 'acme', key: 'stripe' } }],
      },
      { name: 'off', url: 'https://off.example.com/', active: false },
    ],
    routes: [
      { source: '*', destinations: ['billing', 'off'] },
      { source: 'stripe', destinations: ['off'] },
    ],
  })
  const apply = diff(aSnapshot({ organization, tenantSecret: kept })).actions.find(
    action => action.kind === 'apply',
  )
  expect(apply?.desired).toMatchObject({
    slug: 'acme',
    webhookLimit: 1000n,
    sources: [
      {
        name: 'stripe',
        settings: { provider: 'stripe', rateLimit: { perSecond: 5, burst: 0 } },
        secrets: [{ id: 'acme/stripe', value: 'whsec_test' }],
      },
    ],
    destinations: [
      {
        name: 'billing',
        settings: { retry: { delaysSeconds: [60, 300, 900] } },
        headers: [{ id: 'X-Key', value: 'whsec_test' }],
      },
    ],
    routes: [{ settings: { source: '*', destinations: ['billing'] } }],
    signingSecrets: [{ id: 'current', value: 'whsec_kept' }],
    apiKeys: [{ name: 'operator', prefix: 'key_live_kept' }],
  })
})

test('new sources without their secrets are left out, and new destinations without theirs are paused', () => {
  const secretRef = { name: 'acme', key: 'not-there' }
  const organization = parsed({
    sources: [source, { name: 'github', provider: 'github', secrets: [{ secretRef }] }],
    destinations: [
      { name: 'billing', url: 'https://billing.example.com/' },
      { name: 'books', url: 'https://books.example.com/', auth: [{ bearer: { tokenRef: secretRef } }] },
    ],
    routes: [{ source: '*', destinations: ['billing', 'books'] }],
  })
  const plan = diff(aSnapshot({ organization }))
  const apply = plan.actions.find(action => action.kind === 'apply')
  expect(apply?.desired.sources).toMatchObject([{ name: 'stripe' }])
  expect(apply?.desired.destinations).toMatchObject([
    { name: 'billing', settings: { paused: false } },
    { name: 'books', settings: { paused: true }, auth: '', headers: [] },
  ])
  expect(apply?.desired.routes).toMatchObject([{ settings: { destinations: ['billing', 'books'] } }])
  expect(plan.unresolved?.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'source github',
    'destination books',
  ])
})

test.each([
  { name: 'keeps its keys', annotations: {}, apiKey: 'key_live_kept', signingKeys: ['whsec_kept'] },
  {
    name: 'rotates the signing key, the old one signs too',
    annotations: { 'fairlead.dev/rotate-signing-key': '1' },
    apiKey: 'key_live_kept',
    signingKeys: ['whsec_fresh', 'whsec_kept'],
  },
  {
    name: 'rotates the API key',
    annotations: { 'fairlead.dev/rotate-api-key': '1' },
    apiKey: 'key_live_fresh',
    signingKeys: ['whsec_kept'],
  },
])('a tenant $name', ({ annotations, apiKey, signingKeys }) => {
  const once = desiredTenantSecret(parsed({}, annotations), kept, fresh, publicUrl)
  expect(once).toMatchObject({ apiKey, signingKeys })
  const again = desiredTenantSecret(
    parsed({}, annotations),
    once,
    { apiKey: 'key_live_never', signingKey: 'whsec_never' },
    publicUrl,
  )
  expect(again).toEqual(once)
})
