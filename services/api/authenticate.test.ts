import { type KeyId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { MemberRole } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearerKey } from './authenticate.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { mayActAs, roles } from './role.ts'

test.each([
  ['Bearer key_live_abc', 'key_live_abc'],
  ['bearer   key_live_abc ', 'key_live_abc'],
  ['Basic abc', undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  [`Bearer ${'a'.repeat(2_049)}`, undefined],
  [undefined, undefined],
])('the key of %s', (header, key) => {
  expect(bearerKey(header)).toBe(key)
})

test('a role includes itself and those below', () => {
  for (const [i, role] of roles.entries()) {
    for (const [j, other] of roles.entries()) expect(mayActAs(role, other)).toBe(i <= j)
  }
})

describe('with a store', () => {
  let api: TestApi
  let acme: Organization
  let globex: Organization
  beforeAll(async () => {
    api = await openTestApi()
    acme = await anOrganization(api.store, 'acme')
    globex = await anOrganization(api.store, 'globex')
  })
  afterAll(async () => await api?.[Symbol.asyncDispose]())

  const path = '/api/v1/organizations/acme/events'

  test.each([
    ['no key', null, {}],
    ['a key that never was', 'key_live_nonsense', {}],
    ['another scheme', null, { authorization: 'Basic YTpi' }],
    ['an empty key', null, { authorization: 'Bearer ' }],
  ])('%s is answered 401', async (_name, key, headers) => {
    const answer = await api.call('GET', path, { key, headers })
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated'])
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
  })

  test('a key is useless as soon as it is revoked', async () => {
    const { body: made } = await api.call('POST', '/api/v1/organizations/acme/api-keys', {
      body: { name: 'short' },
    })
    expect((await api.call('GET', path, { key: made.key })).status).toBe(200)
    const revoked = await api.call('DELETE', `/api/v1/organizations/acme/api-keys/${made.id}`)
    expect(revoked.status).toBe(204)
    expect((await api.call('GET', path, { key: made.key })).body.code).toBe('unauthenticated')
  })

  test('an expired key is answered like one that never was', async () => {
    const { key, apiKey } = await api.store.client.apiKeys.createApiKey({
      organizationId: acme.id,
      name: 'expired',
    })
    await api.store.query("update api_keys set expires_at = now() - interval '1 second' where id = $1", [
      toUuid(apiKey!.id as KeyId),
    ])
    expect((await api.call('GET', path, { key })).body.code).toBe('unauthenticated')
  })

  test('a key sees its own organization, and everything of another is not there', async () => {
    const key = await api.makeKey(globex)
    const own = await api.call('GET', '/api/v1/organizations/globex', { key })
    expect(own.body.slug).toBe('globex')
    for (const rest of [
      '',
      '/events',
      '/dead-letters',
      '/rejections',
      '/sources',
      '/api-keys',
      '/audit-log',
    ]) {
      const foreign = await api.call('GET', `/api/v1/organizations/acme${rest}`, { key })
      const absent = await api.call('GET', `/api/v1/organizations/nobody${rest}`, { key })
      expect(foreign.status).toBe(404)
      expect({ ...foreign.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
    }
    const list = await api.call('GET', '/api/v1/organizations', { key })
    expect(list.body.items.map(({ slug }: { slug: string }) => slug)).toEqual(['globex'])
  })

  test("another organization's keys can not be revoked through one's own", async () => {
    const key = await api.makeKey(globex)
    const { body } = await api.call('GET', '/api/v1/organizations/acme/api-keys')
    const answer = await api.call(
      'DELETE',
      `/api/v1/organizations/globex/api-keys/${body.items[0]?.id ?? acme.id}`,
      { key },
    )
    expect(answer.status).toBe(404)
  })

  test('a key of the platform may name any organization', async () => {
    for (const slug of ['acme', 'globex']) {
      expect((await api.call('GET', `/api/v1/organizations/${slug}`)).body.slug).toBe(slug)
    }
    const list = await api.call('GET', '/api/v1/organizations')
    expect(list.body.items.map(({ slug }: { slug: string }) => slug)).toEqual(['acme', 'globex'])
  })

  test('keys that have expired take the room of new ones for ever', async () => {
    const { id } = await anOrganization(api.store, 'full')
    await api.store.query(
      `insert into api_keys (organization_id, id, name, prefix, sha256, role, managed_by, expires_at)
       select $1, gen_random_uuid(), 'key ' || n, 'sk_live_fl_test', sha256(convert_to('full ' || n, 'UTF8')), 'viewer', 'tenant',
         case when n <= 2 then now() - interval '1 second' end
       from generate_series(1, 1000) as n`,
      [toUuid(id as OrganizationId)],
    )
    const make = async (name: string) => {
      const { status, body } = await api.call('POST', '/api/v1/organizations/full/api-keys', {
        body: { name },
      })
      return status === 201 ? status : body.code
    }
    expect([await make('a'), await make('b'), await make('c')]).toEqual([201, 201, 'limit_reached'])
    const { body } = await api.call('GET', '/api/v1/organizations/full/api-keys')
    expect(body.items).toHaveLength(1_000)
  })

  const retry = '/api/v1/organizations/acme/events/evt_00000000000000000000000000/retry'
  test.each([
    ['a viewer looks', MemberRole.VIEWER, 'GET', path, 200],
    ['a viewer retries', MemberRole.VIEWER, 'POST', retry, 403],
    ['a viewer reads keys', MemberRole.VIEWER, 'GET', '/api/v1/organizations/acme/api-keys', 403],
    ['a developer retries', MemberRole.DEVELOPER, 'POST', retry, 404],
    ['a developer reads keys', MemberRole.DEVELOPER, 'GET', '/api/v1/organizations/acme/api-keys', 403],
    ['an admin reads keys', MemberRole.ADMIN, 'GET', '/api/v1/organizations/acme/api-keys', 200],
    ['an admin reads the audit log', MemberRole.ADMIN, 'GET', '/api/v1/organizations/acme/audit-log', 200],
  ])('%s', async (_name, role, method, path, status) => {
    const key = await api.makeKey(acme, role)
    expect((await api.call(method, path, { key })).status).toBe(status)
  })

  test('a key makes none that may do more than itself', async () => {
    const key = await api.makeKey(acme, MemberRole.ADMIN)
    const make = (role: string) =>
      api.call('POST', '/api/v1/organizations/acme/api-keys', {
        key,
        body: { name: `made as ${role}`, role },
      })
    expect((await make('owner')).body.code).toBe('forbidden')
    expect((await make('admin')).status).toBe(201)
  })

  test('a key that ends makes none, and is shown the text of none, that outlives it', async () => {
    const keys = '/api/v1/organizations/acme/api-keys'
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()
    const make = (name: string, expiresAt: string | undefined, key = api.platformKey) =>
      api.call('POST', keys, { key, body: { name, role: 'admin', ...(expiresAt && { expiresAt }) } })
    const ending = (await make('ends soon', at(60))).body.key
    const endless = (await make('never ends', undefined)).body
    expect((await make('for ever', undefined, ending)).body.code).toBe('forbidden')
    expect((await make('longer', at(120), ending)).body.detail).toContain('expiresAt')
    const shorter = await make('shorter', at(30), ending)
    expect(shorter.status).toBe(201)
    const rotate = (id: string) => api.call('POST', `${keys}/${id}/rotate`, { key: ending, body: {} })
    expect((await rotate(endless.id)).body.code).toBe('forbidden')
    expect((await rotate(shorter.body.id)).status).toBe(200)
  })
})
