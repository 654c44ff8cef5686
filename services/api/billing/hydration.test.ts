import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from '../fixtures/test-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await openTestApi()
})
afterAll(() => api?.[Symbol.asyncDispose]())

const path = (slug: string) => `/api/v1/organizations/${slug}/billing/hydration-keys`

test('a key that is entered is told to nobody, and is left as it is where it is left out', async () => {
  await anOrganization(api.store, 'acme')
  const first = await api.call('GET', path('acme'))
  expect(first.body).toMatchObject({ keys: [] })
  const put = (keys: object[], etag: string) =>
    api.call('PUT', path('acme'), { headers: { 'if-match': `"${etag}"` }, body: { keys } })
  const entered = await put([{ source: 'stripe', key: 'rk_live_test_only' }], first.body.etag)
  expect(entered.body).toMatchObject({ keys: [{ source: 'stripe', mode: 'live', managedBy: 'tenant' }] })
  expect(JSON.stringify(entered.body)).not.toContain('rk_live')
  const same = await put([{ source: 'stripe' }], entered.body.etag)
  expect([same.status, same.body.etag]).toEqual([200, entered.body.etag])
  const late = await put([], first.body.etag)
  expect([late.status, late.body.code]).toEqual([412, 'precondition_failed'])
  const open = await put([{ source: 'stripe', key: 'sk_live_everything' }], same.body.etag)
  expect([open.status, open.body.code]).toEqual([400, 'request_invalid'])
  expect(JSON.stringify(open.body)).not.toContain('everything')
  const foreign = await put([{ source: 'github', key: 'rk_live_x' }], same.body.etag)
  expect(foreign.status).toBe(400)
  expect(JSON.stringify(foreign.body)).toContain('no source github of the provider stripe')
})

test('a key that a file declares is changed in that file, which the refusal names', async () => {
  await api.store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'globex.yaml#globex' },
    slug: 'globex',
    ledgerEnabled: true,
    sources: [
      { name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'a', value: 'test-only' }] },
    ],
    hydrationKeys: [{ id: 'stripe', value: 'rk_live_declared' }],
  })
  const asked = { headers: { 'if-match': '*' }, body: { keys: [{ source: 'stripe', key: 'rk_live_other' }] } }
  const refused = await api.call('PUT', path('globex'), asked)
  expect([refused.status, refused.body.code]).toEqual([409, 'managed_by_kubernetes'])
  expect(refused.body.patch).toContain('hydrate')
  expect((await api.call('GET', path('globex'))).body).toMatchObject({
    keys: [{ source: 'stripe', mode: 'live', managedBy: 'owner' }],
  })
})
