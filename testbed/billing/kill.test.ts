import { derivedTables } from '@fairlead/store/ledger/rebuild'
import { toUuid } from '@fairlead/webhook/id'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../postgres.ts'
import { type Sink, startSink } from '../sink.ts'
import { until } from '../until.ts'
import { type LedgerPlatform, type LedgerTenant, startLedgerPlatform } from './ledger-platform.ts'
import { type StripeEvent, scriptedLife } from './scripted-life.ts'

/*
 * Processes that are killed between a commit and the answer to it, and between the answer and the acknowledgement: what a proxy holds back at
 * that moment proves where they were.
 */

const opened = new AsyncDisposableStack()
let platform: LedgerPlatform
let sink: Sink
let postgresUrl: string
/** What the tables of a tenant hold that nothing happened to. */
let undisturbed: string

const life = scriptedLife({ name: 'same' })
const deadlineMs = 120_000

beforeAll(async () => {
  sink = opened.use(await startSink())
  const database = opened.use(await createTestDatabase())
  postgresUrl = database.url
  platform = opened.use(await startLedgerPlatform(database.url))
  const tenant = await aTenant('undisturbed')
  await publishAll(tenant, life.events)
  await attemptsAtLedger(tenant)
  undisturbed = await dump(tenant)
}, 240_000)
afterAll(() => opened.disposeAsync())

async function aTenant(slug: string): Promise<LedgerTenant> {
  await until(() => platform.client.organizations.listOrganizations({}).then(Boolean, () => false), {
    deadlineMs,
    what: 'a store that answers',
  })
  const tenant = await platform.tenant(slug, `${sink.url}/${slug}`)
  await platform.client.notifications.putNotifications({
    organizationId: tenant.id,
    notifications: { destinationId: tenant.destination!, types: ['subscription.activated', 'invoice.paid'] },
  })
  return tenant
}

const publishAll = (tenant: LedgerTenant, events: readonly StripeEvent[]) =>
  Promise.all(events.map(event => platform.publish(tenant, event)))

/** Facts, and tables that are computed from them, without whose they are and which event of ours brought them. */
async function dump({ id }: LedgerTenant): Promise<string> {
  const parts: string[] = []
  for (const table of ['ledger_facts', ...derivedTables]) {
    const rows = await platform.query(
      `select (to_jsonb(t) - 'organization_id' - 'recorded_at' - 'fairlead_event')::text as text
       from ${table} t where organization_id = $1 order by 1`,
      [toUuid(id)],
    )
    parts.push(`${table}\n${rows.map(({ text }) => text).join('\n')}`)
  }
  return parts.join('\n')
}

/** What the tenant was told, sorted, once it is so much. */
async function toldTo(slug: string, count: number): Promise<string[]> {
  const told = () => sink.received.filter(({ url }) => url === `/${slug}`)
  await until(() => told().length >= count, { deadlineMs, what: 'what is told' })
  return told()
    .map(({ body }) => JSON.parse(body.toString()).type as string)
    .toSorted()
}

/** What the tenant was told, sorted, once `invoice.paid` has come and nothing more is due: a repeat would have come by then. */
async function toldAtRest(tenant: LedgerTenant, slug: string): Promise<string[]> {
  await until(async () => (await toldTo(slug, 1)).includes('invoice.paid'), {
    deadlineMs,
    what: 'invoice.paid',
  })
  await until(
    async () => {
      const due = await platform.query(
        'select from ledger_outbox where organization_id = $1 and due_at is not null',
        [toUuid(tenant.id)],
      )
      return due.length === 0
    },
    { deadlineMs, what: 'an outbox with nothing due' },
  )
  return await toldTo(slug, 1)
}

/** The attempts of a life's events at the ledger, when each has one: number and outcome, each that there is once. */
async function attemptsAtLedger({ id }: LedgerTenant): Promise<string[]> {
  const rows = await until(
    async () => {
      const found = await platform.query(
        `select number || ' ' || outcome as text from attempts
         where organization_id = $1 and destination_id = ledger_destination($1)`,
        [toUuid(id)],
      )
      return found.length >= life.events.length && found
    },
    { deadlineMs, what: 'an attempt of each event in the log' },
  )
  return [...new Set(rows.map(({ text }) => String(text)))]
}

/** Lets no transaction note what is to be told, which each does last. */
async function lockOutbox() {
  const client = new Client({ connectionString: postgresUrl })
  await client.connect()
  await client.query('begin; lock table ledger_outbox in share mode')
  let held = true
  const release = async (): Promise<void> => {
    if (held) await client.end()
    held = false
  }
  return { release, [Symbol.asyncDispose]: release }
}

const untilAnswered = () =>
  until(() => platform.storeToNats.held().includes('{"kind":"recorded"}'), {
    deadlineMs,
    what: 'an answer that the store has given',
  })

test('a store that is killed after its commit and before its answer is asked again: no row differs, no attempt is spent, nothing is told twice', async () => {
  const tenant = await aTenant('answer')
  platform.storeToNats.hold()
  await publishAll(tenant, life.events)
  await untilAnswered()
  const [committed] = await platform.query('select count(*) from ledger_facts where organization_id = $1', [
    toUuid(tenant.id),
  ])
  expect(Number(committed!.count)).toBeGreaterThan(0)
  await platform.store.kill9()
  platform.storeToNats.cut()
  platform.storeToNats.heal()
  platform.store.start()
  expect(await attemptsAtLedger(tenant)).toEqual(['1 delivered'])
  expect(await dump(tenant)).toBe(undisturbed)
  const told = await toldAtRest(tenant, 'answer')
  expect(told).toContain('invoice.paid')
  expect(new Set(told).size).toBe(told.length)
}, 300_000)

test('a worker that is killed between answer and acknowledgement hands the same facts over again, which changes nothing and tells nobody', async () => {
  const tenant = await aTenant('acknowledged')
  platform.storeToNats.hold()
  await publishAll(tenant, life.start)
  await untilAnswered()
  platform.workerToNats.hold()
  platform.storeToNats.heal()
  // What the worker says of the attempt comes before it says that it is done.
  await until(() => platform.workerToNats.held().includes('attempts.'), {
    deadlineMs,
    what: 'a worker that has the answer',
  })
  await platform.worker.kill9()
  platform.workerToNats.cut()
  platform.workerToNats.heal()
  platform.worker.start()
  expect(await toldTo('acknowledged', 2)).toEqual(['invoice.paid', 'subscription.activated'])
  await publishAll(tenant, life.events.slice(life.start.length))
  expect(await attemptsAtLedger(tenant)).toEqual(['1 delivered'])
  expect(await dump(tenant)).toBe(undisturbed)
  expect(await toldTo('acknowledged', 2)).toEqual(['invoice.paid', 'subscription.activated'])
}, 300_000)

test('a store that is killed within its transaction leaves nothing of it, and the events come again', async () => {
  const tenant = await aTenant('within')
  await using holder = await lockOutbox()
  // What is told of: catalog alone is not, and would be committed.
  const customers = life.events.filter(({ type }) => type === 'customer.created')
  await publishAll(tenant, customers)
  await until(
    async () =>
      (
        await platform.query(
          `select from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query ~ 'insert into ledger_outbox'`,
        )
      ).length > 0,
    { deadlineMs, what: 'a transaction that has written rows and waits' },
  )
  await platform.store.kill9()
  await holder.release()
  const of = [toUuid(tenant.id)]
  await until(
    async () =>
      (
        await platform.query(
          `select from pg_stat_activity
           where datname = current_database() and xact_start is not null and query ~ 'ledger_outbox' and pid <> pg_backend_pid()`,
        )
      ).length === 0,
    { deadlineMs, what: 'the end of the transaction' },
  )
  expect(await platform.query('select from ledger_facts where organization_id = $1', of)).toEqual([])
  platform.store.start()
  await publishAll(
    tenant,
    life.events.filter(event => !customers.includes(event)),
  )
  expect(await attemptsAtLedger(tenant)).toEqual(['1 delivered'])
  expect(await dump(tenant)).toBe(undisturbed)
}, 300_000)

test('while no store runs, events wait without an attempt', async () => {
  const tenant = await aTenant('waited')
  await platform.store.kill9()
  await publishAll(tenant, life.events.toReversed())
  platform.store.start()
  expect(await attemptsAtLedger(tenant)).toEqual(['1 delivered'])
  expect(await dump(tenant)).toBe(undisturbed)
}, 300_000)
