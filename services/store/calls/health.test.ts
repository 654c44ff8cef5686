import { openLog } from '@fairlead/daemon/log'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import type { OrganizationId } from '@fairlead/webhook/id'
import { openKeyring } from '@fairlead/wire/seal'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Budget } from '../objectives/budgets.ts'
import { openPool } from '../postgres.ts'
import type { Calls } from './calls.ts'
import { healthCalls } from './health.ts'

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(async () => {
  await store?.[Symbol.asyncDispose]()
})

test('a budget makes a new version of the health when it moves by a percent, and not with each webhook', async () => {
  const owner = { kind: OwnerKind.FILE, reference: 'acme.yaml#acme' }
  const { organization } = await store.client.organizations.applyOrganization({ owner, slug: 'acme' })
  const organizationId = organization!.id
  await using shared = openPool(store.postgresUrl, 1)
  let budget: Budget = { objective: 'delivery', target: 0.99, good: 10_000, bad: 0 }
  const { listHealth } = healthCalls({
    pool: shared.pool,
    now: Date.now,
    keyring: openKeyring(testEncryptionKeys),
    log: openLog({ service: 'store', level: 'error' }),
    budgets: { of: (id: OrganizationId) => (id === organizationId ? [budget] : []) },
  } as unknown as Calls)
  const ask = async (version: string) => {
    const context = { timeoutMs: () => 10_000, requestHeader: new Headers() }
    const answer = await listHealth(
      { organizations: [{ organizationId, version }] } as never,
      context as never,
    )
    return answer.organizations?.[0]
  }

  const first = await ask('')
  expect(first?.budgets).toEqual([{ ...budget, good: 10_000n, bad: 0n }])
  budget = { ...budget, good: 10_001 }
  expect(await ask(first!.version!)).toBeUndefined()
  budget = { ...budget, bad: 50 }
  expect((await ask(first!.version!))?.budgets).toMatchObject([{ bad: 50n }])
})
