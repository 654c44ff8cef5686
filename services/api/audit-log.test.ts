import { createTestDatabase } from '@fairlead/testbed/postgres'
import { startTestStore } from '@fairlead/testbed/store'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const opened = new AsyncDisposableStack()
const base = '/api/v1/organizations/acme'
let api: TestApi
/** Whom no policy binds. */
let superuser: Client
beforeAll(async () => {
  const database = opened.use(await createTestDatabase())
  const store = opened.use(await startTestStore({ postgresUrl: database.url }))
  api = opened.use(await openTestApi({}, store))
  superuser = new Client({ connectionString: database.adminUrl })
  await superuser.connect()
  opened.defer(() => superuser.end())
  await anOrganization(store, 'acme')
  for (let i = 0; i < 8; i++) await api.call('POST', `${base}/destinations/builds/pause`)
})
afterAll(async () => await opened.disposeAsync())

const verify = async (noted = '') =>
  (await api.call('GET', `${base}/audit-log/verify${noted && `?noted=${noted}`}`)).body
const named = async (noted?: string) =>
  (await verify(noted)).faults.map(({ kind, place }: { kind: string; place: number }) => `${kind} ${place}`)

/** Damages the log, looks, and puts it back: each case has the whole log before it. */
async function damaged(statements: string, look: () => Promise<void>): Promise<void> {
  const tables = ['audit_logs', 'audit_heads']
  for (const table of tables) await superuser.query(`create table kept_${table} as table ${table}`)
  try {
    await superuser.query(statements)
    await look()
  } finally {
    for (const table of tables) {
      await superuser.query(
        `truncate ${table}; insert into ${table} table kept_${table}; drop table kept_${table}`,
      )
    }
  }
}

const ofAcme = 'organization_id is not null'

test.each([
  ['an edit', `update audit_logs set actor_id = 'key_other' where seq = 3 and ${ofAcme}`, ['edited 3']],
  [
    'an edit of details',
    `update audit_logs set details = '{"a": 1}' where seq = 3 and ${ofAcme}`,
    ['edited 3'],
  ],
  [
    'an edit of the time',
    `update audit_logs set at = at - interval '1 ms' where seq = 3 and ${ofAcme}`,
    ['edited 3'],
  ],
  ['a deletion', `delete from audit_logs where seq = 4 and ${ofAcme}`, ['deleted 4']],
  [
    'a deletion whose gap is closed',
    `delete from audit_logs where seq = 4 and ${ofAcme};
     update audit_logs set seq = seq + 1000 where seq > 4 and ${ofAcme};
     update audit_logs set seq = seq - 1001 where seq > 1000 and ${ofAcme}`,
    ['deleted 4'],
  ],
  [
    'an insertion',
    `update audit_logs set seq = seq + 1000 where seq > 4 and ${ofAcme};
     update audit_logs set seq = seq - 999 where seq > 1000 and ${ofAcme};
     insert into audit_logs select (jsonb_populate_record(a, jsonb_build_object('seq', 5, 'id', gen_random_uuid(), 'request_id', 'x'))).*
       from audit_logs a where seq = 4 and ${ofAcme}`,
    ['inserted 5'],
  ],
  [
    'an insertion after the end',
    `insert into audit_logs select (jsonb_populate_record(a, jsonb_build_object('seq', 10, 'id', gen_random_uuid(), 'request_id', 'x'))).*
       from audit_logs a where seq = 9 and ${ofAcme}`,
    ['inserted 10'],
  ],
  [
    'another order',
    `update audit_logs set seq = 1000 where seq = 4 and ${ofAcme};
     update audit_logs set seq = 4 where seq = 5 and ${ofAcme};
     update audit_logs set seq = 5 where seq = 1000 and ${ofAcme}`,
    ['reordered 5'],
  ],
  ['a cut', `delete from audit_logs where seq > 7 and ${ofAcme}`, ['truncated 8']],
  [
    'a cut with a forged end',
    `delete from audit_logs where seq > 7 and ${ofAcme}; update audit_heads set seq = 7 where ${ofAcme}`,
    ['edited 7'],
  ],
  [
    'a forgotten end',
    `delete from audit_heads where ${ofAcme}`,
    Array.from({ length: 9 }, (_, i) => `inserted ${i + 1}`),
  ],
])('%s in the database is found and named', async (_name, statements, faults) => {
  const { intact, entries, end } = await verify()
  expect([intact, entries]).toEqual([true, 9])
  await damaged(statements, async () => {
    expect(await named()).toEqual(faults)
  })
  expect(await verify()).toEqual({ intact: true, entries: 9, end, faults: [] })
})

test('a log that was cut with its recorded end is found by an end that was noted elsewhere', async () => {
  const { end } = await verify()
  expect(await named(end)).toEqual([])
  const cut = `delete from audit_logs where seq > 6 and ${ofAcme};
    update audit_heads set (seq, sha256) = (select seq, sha256 from audit_logs where seq = 6 and ${ofAcme}) where ${ofAcme}`
  await damaged(cut, async () => {
    expect(await named()).toEqual([])
    expect(await named(end)).toEqual(['truncated 7'])
  })
  expect(await named(end.replace(/.{64}$/, 'a'.repeat(64)))).toEqual(['edited 9'])
  // What is added later changes no end of before.
  await api.call('POST', `${base}/destinations/builds/pause`)
  expect(await named(end)).toEqual([])
  const { status } = await api.call('GET', `${base}/audit-log/verify?noted=9`)
  expect(status).toBe(400)
})

test("the platform's own log is a chain too, and none of a tenant's", async () => {
  const { body } = await api.call('GET', '/api/v1/audit-log?action=api_key.created')
  expect(body.items).toHaveLength(1)
  expect((await api.call('GET', '/api/v1/audit-log/verify')).body).toMatchObject({ intact: true, entries: 1 })
  const key = await api.makeKey(
    (await api.store.client.organizations.getOrganization({ by: { case: 'slug', value: 'acme' } }))
      .organization,
  )
  for (const path of ['/api/v1/audit-log', '/api/v1/audit-log/verify']) {
    expect((await api.call('GET', path, { key })).status).toBe(403)
  }
})
