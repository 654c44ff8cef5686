import { Code, ConnectError } from '@connectrpc/connect'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { ErrorReason } from '@fairlead/wire/store/error'
import { MemberRole } from '@fairlead/wire/store/member'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { afterAll, beforeAll, expect, test } from 'vitest'

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(() => store[Symbol.asyncDispose]())

const acme = {
  owner: { kind: OwnerKind.KUBERNETES, reference: 'tenants/acme' },
  slug: 'acme',
  members: [{ email: 'Ada@acme.example', role: MemberRole.OWNER }],
  sources: [
    {
      name: 'stripe',
      settings: { provider: 'stripe' },
      secrets: [{ id: 'acme/secret', value: 'whsec_test' }],
    },
  ],
  destinations: [
    {
      name: 'billing',
      settings: { url: 'https://billing.acme.example/hooks' },
      headers: [{ id: 'x-a', value: 'b' }],
    },
  ],
  routes: [{ settings: { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] } }],
}

test('smoke', async () => {
  const { organizations } = store.client
  const first = await organizations.applyOrganization(acme)
  expect(first).toMatchObject({ created: true, changed: true })
  const again = await organizations.applyOrganization(acme)
  expect(again).toMatchObject({ created: false, changed: false })
  console.log(again)
  const error = await organizations
    .applyOrganization({ ...acme, owner: { kind: OwnerKind.KUBERNETES, reference: 'other/acme' } })
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectError)
  expect((error as ConnectError).code).toBe(Code.AlreadyExists)
  expect(storeErrorDetail(error)).toMatchObject({
    reason: ErrorReason.SLUG_TAKEN,
    owner: 'kubernetes tenants/acme',
  })
})
