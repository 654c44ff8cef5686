import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { LedgerResource } from '@fairlead/wire/store/ledger'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inScope } from '../scope.ts'
import { ledgerEventOf, recordEvents } from './fixtures/record-life.ts'
import { stripeLife } from './fixtures/stripe-life.ts'
import { derivedTables, keptTables } from './rebuild.ts'

/*
 * Whose rows a session of Postgres sees. All lives have the same ids, in two organizations, in both modes and in two connected
 * accounts: what meets shows.
 */

const opened = new AsyncDisposableStack()
let store: TestStore
let pool: Pool
let acme: OrganizationId
let other: OrganizationId
/** Has one of acme's connected accounts, and nothing else. */
let alone: OrganizationId

const tables = [...derivedTables, ...keptTables]
const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
const same = { name: 'same' }

beforeAll(async () => {
  store = opened.use(await startTestStore())
  pool = new Pool({ connectionString: store.postgresUrl, max: 2 })
  opened.defer(() => pool.end())
  acme = await anOrganization('acme')
  other = await anOrganization('other')
  alone = await anOrganization('alone')
  for (const organization of [acme, other]) {
    for (const livemode of [true, false]) {
      await recordEvents(store, organization, stripeLife({ ...same, livemode }), { size: 40 })
      await quarantine(organization, livemode ? 'live' : 'test')
    }
  }
  await recordEvents(store, acme, stripeLife({ ...same, account: 'acct_1' }), { size: 40 })
  await recordEvents(store, acme, stripeLife({ ...same, account: 'acct_2' }).slice(0, 20), { size: 40 })
  await recordEvents(store, alone, stripeLife({ ...same, account: 'acct_1' }), { size: 40 })
  for (const organization of [acme, other]) await eraseOneOfEachMode(organization)
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string): Promise<OrganizationId> {
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
  })
  return organization!.id as OrganizationId
}

async function quarantine(organizationId: OrganizationId, mode: 'live' | 'test'): Promise<void> {
  const [first] = stripeLife({ name: `unread-${mode}` })
  const event = { ...ledgerEventOf(organizationId, first!), facts: [], mode, quarantined: 'not_json' }
  await store.client.ledger.recordFacts({ organizationId, events: [event] })
}

/** A customer of its own, so that the others keep their personal data. */
async function eraseOneOfEachMode(organizationId: OrganizationId): Promise<void> {
  for (const mode of ['live', 'test'] as const) {
    const life = stripeLife({ name: 'gone', livemode: mode === 'live' })
    await recordEvents(store, organizationId, life.slice(0, 5))
    await store.client
      .inMode(mode)
      .ledger.redactLedgerCustomer({ organizationId, customer: 'cus_gone', change })
  }
}

interface Seen {
  readonly organization_id: string
  readonly mode: string
}

const seen = async (as: OrganizationId, table: string, mode?: 'live' | 'test'): Promise<Seen[]> => {
  const statement = `select distinct organization_id, mode from ${table} order by 1, 2`
  return (await inScope(pool, as, db => db.query<Seen>(statement), { mode })).rows
}

test('every table of the ledger is among those that are looked at, and none lets its owner past its policy', async () => {
  const found = await store.query(
    `select relname, relrowsecurity and relforcerowsecurity as secured from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname like 'ledger\\_%' order by 1`,
  )
  expect(found.filter(({ secured }) => !secured)).toEqual([])
  const names = found.map(({ relname }) => relname as string)
  expect(tables.filter(table => !names.includes(table))).toEqual([])
  const foreign = await Promise.all(
    names.map(async name => {
      const { rowCount } = await inScope(pool, acme, db =>
        db.query(`select from ${name} where organization_id <> $1`, [toUuid(acme)]),
      )
      return rowCount
    }),
  )
  expect(foreign.every(count => count === 0)).toBe(true)
})

describe.each(tables)('%s', table => {
  test('a session of no organization sees nothing', async () => {
    expect((await pool.query(`select from ${table}`)).rowCount).toBe(0)
  })

  test('a session of one organization sees its own rows of both modes, and no other', async () => {
    for (const organization of [acme, other]) {
      const own = { organization_id: toUuid(organization) }
      expect(await seen(organization, table)).toEqual([
        { ...own, mode: 'live' },
        { ...own, mode: 'test' },
      ])
    }
  })

  test('a session of one mode sees no row of the other', async () => {
    for (const mode of ['live', 'test'] as const)
      expect(await seen(acme, table, mode)).toEqual([{ organization_id: toUuid(acme), mode }])
  })

  test('a session changes, moves and deletes no row of another scope', async () => {
    const as = (statement: string, values: unknown[] = [], mode?: 'live' | 'test') =>
      inScope(pool, acme, db => db.query(statement, values), { mode })
    const theirs = [toUuid(other)]
    const refused = 'row-level security'
    await expect(as(`update ${table} set organization_id = $1`, theirs)).rejects.toThrow(refused)
    await expect(as(`update ${table} set mode = 'live'`, [], 'test')).rejects.toThrow(refused)
    expect((await as(`delete from ${table} where organization_id = $1`, theirs)).rowCount).toBe(0)
    expect((await as(`delete from ${table} where mode = 'live'`, [], 'test')).rowCount).toBe(0)
    const copy = `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object('organization_id', $1::text))).* from ${table} t`
    await expect(as(copy, theirs)).rejects.toThrow(refused)
  })
})

test('a connected account has the rows that it would have alone, though another one has the same ids', async () => {
  for (const table of derivedTables) {
    const rowsOf = async (organization: OrganizationId) =>
      await store.query(
        `select (to_jsonb(t) - 'organization_id')::text as text from ${table} t
         where organization_id = $1 and account = 'acct_1' order by 1`,
        [toUuid(organization)],
      )
    const [mixed, only] = [await rowsOf(acme), await rowsOf(alone)]
    expect(mixed.length, table).toBeGreaterThan(0)
    expect(mixed, table).toEqual(only)
  }
})

test('a call of one mode finds neither rows nor placeholders of the other, nor those of another organization', async () => {
  // Their life is live alone.
  const of = (mode: 'live' | 'test', id: string, organizationId = alone) =>
    store.client.inMode(mode).ledger.getLedgerRow({ organizationId, resource: LedgerResource.CUSTOMERS, id })
  expect((await of('live', 'cus_same')).row?.id).toBe('cus_same')
  await expect(of('test', 'cus_same')).rejects.toThrow('no such row')
  const [, , , customer, subscription] = stripeLife({ name: 'mentioned' })
  expect([customer?.type, subscription?.type]).toEqual(['customer.created', 'customer.subscription.created'])
  await recordEvents(store, alone, [subscription!])
  expect((await of('live', 'cus_mentioned')).row?.fields).toMatchObject({ known: false })
  await expect(of('test', 'cus_mentioned')).rejects.toThrow('no such row')
  await expect(of('live', 'cus_mentioned', other)).rejects.toThrow('no such row')
  const access = (mode: 'live' | 'test', organizationId: OrganizationId) =>
    store.client.inMode(mode).ledger.getLedgerAccess({ organizationId, customer: 'cus_same' })
  expect((await access('live', alone)).grants).toHaveLength(1)
  await expect(access('test', alone)).rejects.toThrow('no such customer')
})
