import { create } from '@bufbuild/protobuf'
import { DestinationSchema, DestinationState } from '@fairlead/wire/store/destination'
import { OrganizationSchema } from '@fairlead/wire/store/organization'
import { expect, test } from 'vitest'
import { anOrganization } from './an-organization.ts'
import type { Holdings } from './holdings.ts'
import { openReconcile } from './reconcile.ts'
import { organizationSchema } from './schema.ts'
import type { OrganizationStatus } from './status-schema.ts'

/** An Organization that is in force, whose destination does as the test says, on a clock of the test's. */
function anOrganizationInForce() {
  const key = 'default/acme'
  const organization = organizationSchema.parse(anOrganization())
  const written: OrganizationStatus[] = []
  const world = { nowMs: 1_000_000, waiting: 0n, state: DestinationState.HEALTHY, declared: 'as it was' }
  const inForce = (does: { readonly state: DestinationState; readonly waiting?: bigint }) => ({
    organization: create(OrganizationSchema, { id: 'org_1' }),
    sources: [],
    destinations: [create(DestinationSchema, { name: 'billing', ...does })],
  })
  const holdings: Holdings = {
    claim: async () => {},
    writeTenantSecret: async () => undefined,
    release: async () => {},
  }
  const reconcile = openReconcile({
    declarations: {
      readOrganization: async () => ({ organization, generation: 1, deleting: false }),
      readSecret: async () => undefined,
    },
    findSlug: async () => undefined,
    makeKeys: () => ({ apiKey: 'key_live_test', signingKey: 'whsec_test' }),
    publicUrl: 'https://hooks.example.com',
    holdings,
    rows: {
      // As the store: the answer knows nothing of health.
      apply: async () => inForce({ state: DestinationState.HEALTHY }),
      delete: async () => {},
      health: async () => {
        const { state, waiting } = world
        return { kind: 'known' as const, version: '', ...inForce({ state, waiting }) }
      },
      findApplied: async () => undefined,
    },
    reports: {
      readStatus: async () => written.at(-1),
      report: async (_, status) => {
        written.push(status)
      },
    },
    fingerprint: () => ({ declared: world.declared, tenantSecret: '' }),
    now: () => world.nowMs,
  })
  /** Looks again after so many seconds. */
  const look = async (afterSeconds: number) => {
    world.nowMs += afterSeconds * 1_000
    return await reconcile(key)
  }
  return { world, written, look }
}

test('counts that move are written every 30 s at most', async () => {
  const { world, written, look } = anOrganizationInForce()
  await look(0)
  for (let second = 1; second <= 60; second++) {
    world.waiting++
    await look(1)
  }
  expect(written.map(({ waiting }) => waiting)).toEqual([0, 30, 60])
})

test('a state that changes is written at once', async () => {
  const { world, written, look } = anOrganizationInForce()
  await look(0)
  world.state = DestinationState.FAILING
  await look(1)
  world.state = DestinationState.HEALTHY
  await look(1)
  expect(written.map(({ destinations }) => destinations?.[0]?.state)).toEqual([
    'Healthy',
    'Failing',
    'Healthy',
  ])
})

test('an Organization that is ill is not reported healthy when its declaration changes', async () => {
  const { world, written, look } = anOrganizationInForce()
  world.state = DestinationState.FAILING
  await look(0)
  world.declared = 'changed'
  await look(60)
  expect(new Set(written.map(({ destinations }) => destinations?.[0]?.state))).toEqual(new Set(['Failing']))
})

test('it asks to be looked at again no sooner than a status may be written', async () => {
  const { look } = anOrganizationInForce()
  const next = await look(0)
  // The queue shortens a wait by up to a tenth.
  expect(next.kind === 'again' && next.afterMs * 0.9).toBeGreaterThanOrEqual(30_000)
})
