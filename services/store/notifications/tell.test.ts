import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { startTestStore } from '@fairlead/testbed/store'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { noticeTypes } from '@fairlead/wire/notice'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { eventSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openPool, type SharedPool } from '../postgres.ts'
import { inScope } from '../scope.ts'
import { keepNotified, noticeSource } from './tell.ts'

/* The store that set this up has ended: nothing is told but by these tests, and nothing of it reaches the log. */
let opened: AsyncDisposableStack
let pool: SharedPool
let nats: NatsConnection
const organizations: Record<string, OrganizationId> = {}

beforeAll(async () => {
  opened = new AsyncDisposableStack()
  const { url: natsUrl } = opened.use(await startTestNats())
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  await using store = await startTestStore({ natsUrl, postgresUrl })
  for (const slug of ['acme', 'beta']) {
    const { organization, destinations } = await store.client.organizations.applyOrganization({
      owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
      slug,
      destinations: [{ name: 'billing', settings: { url: 'https://billing.acme.example' } }],
    })
    organizations[slug] = organization!.id as OrganizationId
    await store.client.notifications.putNotifications({
      organizationId: organization!.id,
      notifications: { destinationId: destinations[0]!.id, types: [...noticeTypes] },
    })
  }
  pool = opened.use(openPool(postgresUrl, 4)).pool
  nats = await connectNats({ url: natsUrl, name: 'test' })
  opened.defer(() => nats.close())
})
afterAll(() => opened?.disposeAsync())
beforeEach(async () => {
  await query('delete from notices')
  await (await jetstreamManager(nats)).streams.purge('EVENTS')
})

const query = async (statement: string, values: unknown[] = []) =>
  (await inScope(pool, 'platform', db => db.query(statement, values))).rows

/** @param ago seconds */
const noted = (slug: string, ago: number, count: number, data: object = {}) =>
  query(
    `insert into notices (organization_id, type, occurrence, at, data)
     select $1, 'key.expiring', n::text, now() - make_interval(secs => $2), $3 from generate_series(1, $4::int) as n`,
    [toUuid(organizations[slug]!), ago, JSON.stringify(data), count],
  )

const tell = (now: () => number = Date.now) =>
  keepNotified({ pool, nats, publisher: { revisionOf: async () => 1 }, now })

/** How many notices were told, by organization. */
async function told(): Promise<Record<string, number>> {
  const { state } = await (await jetstreamManager(nats)).streams.info('EVENTS', { subjects_filter: '>' })
  const count = (slug: string) => state.subjects?.[eventSubject(organizations[slug]!, noticeSource)] ?? 0
  return { acme: count('acme'), beta: count('beta') }
}

test('a notice that can not be published holds up those of no other organization', async () => {
  // More than nats-server takes in one message.
  await noted('acme', 60, 1, { text: 'a'.repeat(9 * 1024 ** 2) })
  await noted('beta', 30, 1)
  await expect(tell()).rejects.toThrow('notices were not told to 1 of the organizations')
  expect(await told()).toEqual({ acme: 0, beta: 1 })
  expect(await query('select organization_id from notices where told_at is null')).toEqual([
    { organization_id: toUuid(organizations.acme!) },
  ])
})

test('an organization with many notices does not make another wait for all of them', async () => {
  await noted('acme', 60, 150)
  await noted('beta', 30, 1)
  await tell()
  expect(await told()).toEqual({ acme: 99, beta: 1 })
})

test('a notice is not told twice: it waits while neither the log nor JetStream knows whether it was told', async () => {
  await noted('acme', 60, 1)
  // The log is behind this event, and will be for longer than JetStream knows ids.
  await jetstream(nats).publish(eventSubject(organizations.beta!, 'stripe'), '{}')
  await expect(tell(() => Date.now() + 300_000)).rejects.toMatchObject({ code: 'nats_unavailable' })
  expect(await told()).toEqual({ acme: 0, beta: 0 })
  await tell()
  expect(await told()).toEqual({ acme: 1, beta: 0 })
})

test('figures of closed days that changed are told once for each hour that is over', async () => {
  const changed = (slug: string, day: string, minutes: number) =>
    query(
      `insert into ledger_restatements (organization_id, mode, day, currency, mrr, paid, refunded, lost, last_at)
       values ($1, 'live', $2, 'USD', 100, 0, 0, 0, date_trunc('hour', now(), 'UTC') - make_interval(mins => $3))`,
      [toUuid(organizations[slug]!), day, minutes],
    )
  await query(`update notification_settings set told_since = now() - interval '1 day'`)
  await changed('acme', '2026-02-10', 10)
  await changed('acme', '2026-02-20', 20)
  // Of the hour that is not over.
  await changed('beta', '2026-02-10', -120)
  await tell()
  await tell()
  expect(await told()).toEqual({ acme: 1, beta: 0 })
  const [notice] = await query(`select type, data from notices where type = 'ledger.restated'`)
  expect(notice?.data).toMatchObject({
    mode: 'live',
    days: 2,
    firstDay: '2026-02-10',
    lastDay: '2026-02-20',
    currencies: ['USD'],
  })
})
