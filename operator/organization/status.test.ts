import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { DestinationSchema, DestinationState, PauseReason } from '@fairlead/wire/store/destination'
import { SourceSchema } from '@fairlead/wire/store/source'
import { expect, test } from 'vitest'
import { anOrganization } from './an-organization.ts'
import type { ActResult, InForce } from './holdings.ts'
import type { Snapshot } from './observe.ts'
import type { Plan } from './plan.ts'
import { organizationSchema } from './schema.ts'
import { statusOf } from './status.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const minute = 60_000

const snapshot: Snapshot = {
  key: 'default/acme',
  declared: {
    organization: organizationSchema.parse(
      anOrganization({ sources: [{ name: 'github', provider: 'github' }] }),
    ),
    generation: 3,
    deleting: false,
  },
  secrets: new Map(),
  tenantSecret: undefined,
  tenantSecretTaken: false,
  stored: undefined,
  inForce: undefined,
  fresh: { apiKey: '', signingKey: '' },
  publicUrl: 'https://hooks.example.com',
}

const healthy = create(DestinationSchema, { name: 'billing', state: DestinationState.HEALTHY })
const failing = create(DestinationSchema, {
  name: 'billing',
  state: DestinationState.FAILING,
  lastError: '502',
  waiting: 340n,
  failingSince: timestampFromMs(nowMs - 12 * minute),
})
const source = create(SourceSchema, { name: 'github', lastEventAt: timestampFromMs(nowMs - 90_500) })

const applied = (answer: Partial<InForce>): ActResult => ({
  kind: 'applied',
  answer: { sources: [source], destinations: [], ...answer },
})

test.each<{ name: string; plan?: Plan; outcome: ActResult; conditions: string[] }>([
  {
    name: 'all is well',
    outcome: applied({ destinations: [healthy] }),
    conditions: [
      'Ready=True Reconciled',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=True Healthy',
      'DestinationsHealthy=True Healthy',
    ],
  },
  {
    name: 'a destination fails, which is no fault of the declaration',
    outcome: applied({ destinations: [failing] }),
    conditions: [
      'Ready=True Reconciled',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=True Healthy',
      'DestinationsHealthy=False Failing: billing: 502 for 12 min, 340 deliveries waiting',
    ],
  },
  {
    name: 'a secret is missing',
    plan: {
      actions: [],
      obstacle: { reason: 'SecretMissing', message: 'missing or empty: key github of Secret acme' },
    },
    outcome: { kind: 'held' },
    conditions: [
      'Ready=False SecretMissing: missing or empty: key github of Secret acme',
      'SecretsResolved=False SecretMissing: missing or empty: key github of Secret acme',
      'SourcesHealthy=False SecretMissing: missing or empty: key github of Secret acme',
      'DestinationsHealthy=Unknown SecretMissing: not known while it isn’t applied',
    ],
  },
  {
    name: 'a secret is missing, and the rest is in force',
    plan: {
      actions: [],
      obstacle: { reason: 'SecretMissing', message: 'source stripe: missing' },
      unresolved: [{ kind: 'source', name: 'stripe', reason: 'SecretMissing', message: 'missing' }],
    },
    outcome: applied({ destinations: [healthy] }),
    conditions: [
      'Ready=False SecretMissing: source stripe: missing',
      'SecretsResolved=False SecretMissing: source stripe: missing',
      'SourcesHealthy=False SecretMissing: not in force: stripe (missing)',
      'DestinationsHealthy=True Healthy',
    ],
  },
  {
    name: 'a destination wanted no more',
    outcome: applied({
      destinations: [
        create(DestinationSchema, {
          name: 'billing',
          state: DestinationState.PAUSED,
          pauseReason: PauseReason.GONE,
          waiting: 1n,
        }),
      ],
    }),
    conditions: [
      'Ready=True Reconciled',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=True Healthy',
      'DestinationsHealthy=False DestinationPaused: billing: paused because it answered 410, 1 delivery waiting: once it is well: fairlead destinations resume billing',
    ],
  },
  {
    name: 'a destination is paused as it is declared to be',
    outcome: applied({
      destinations: [
        create(DestinationSchema, {
          name: 'billing',
          state: DestinationState.PAUSED,
          pauseReason: PauseReason.DECLARED,
        }),
      ],
    }),
    conditions: [
      'Ready=True Reconciled',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=True Healthy',
      'DestinationsHealthy=True Healthy',
    ],
  },
  {
    name: 'the slug is taken',
    outcome: { kind: 'refused', reason: 'SlugTaken', message: 'kubernetes other/acme has this slug' },
    conditions: [
      'Ready=False SlugTaken: kubernetes other/acme has this slug',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=Unknown SlugTaken: not known while it isn’t applied',
      'DestinationsHealthy=Unknown SlugTaken: not known while it isn’t applied',
    ],
  },
  {
    name: 'the store is away',
    outcome: { kind: 'unavailable', message: 'the store can’t be reached, trying again' },
    conditions: [
      'Ready=False StoreUnavailable: the store can’t be reached, trying again',
      'SecretsResolved=True SecretsFound',
      'SourcesHealthy=Unknown StoreUnavailable: the store can’t be reached, trying again',
      'DestinationsHealthy=Unknown StoreUnavailable: the store can’t be reached, trying again',
    ],
  },
])('$name', ({ plan = { actions: [] }, outcome, conditions }) => {
  const status = statusOf(snapshot, plan, outcome, undefined, nowMs)
  const texts = status.conditions.map(
    ({ type, status, reason, message }) =>
      `${type}=${status} ${reason}${message && reason !== 'Reconciled' ? `: ${message}` : ''}`,
  )
  expect(texts).toEqual(conditions)
  expect(status.observedGeneration).toBe(3)
})

test('a condition keeps its time until its status changes', () => {
  const first = statusOf(snapshot, { actions: [] }, applied({ destinations: [healthy] }), undefined, nowMs)
  const again = statusOf(
    snapshot,
    { actions: [] },
    applied({ destinations: [failing] }),
    first,
    nowMs + minute,
  )
  const times = again.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])
  expect(Object.fromEntries(times)).toMatchObject({
    Ready: '2026-03-01T12:00:00Z',
    DestinationsHealthy: '2026-03-01T12:01:00Z',
  })
})

test('parts of a status that could not be read stay as they were', () => {
  const first = statusOf(snapshot, { actions: [] }, applied({ destinations: [failing] }), undefined, nowMs)
  const away = statusOf(snapshot, { actions: [] }, { kind: 'unavailable', message: 'away' }, first, nowMs)
  expect(away).toMatchObject({
    waiting: 340,
    summary: { sources: '1/1', destinations: '0/1' },
    lastEventAt: '2026-03-01T11:58:00Z',
  })
})
