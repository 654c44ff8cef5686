import { openLog } from '@fairlead/daemon/log'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { eventId, type OrganizationId, type SourceId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeEventMeta, encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { MemberRole } from '@fairlead/wire/store/member'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { eventSubject } from '@fairlead/wire/subjects'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPool } from '../postgres.ts'
import { heldBounds } from './hold.ts'
import { handOverAll } from './route.ts'

const opened = new AsyncDisposableStack()
let store: TestStore
let nats: NatsConnection
const ids: Record<string, OrganizationId> = {}
let sourceId: SourceId

beforeAll(async () => {
  store = opened.use(await startTestStore({ env: { FAIRLEAD_STRIPE_CONNECT_SOURCE: 'platform/connect' } }))
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  // What a store that read another source before has left.
  await (await jetstreamManager(nats)).consumers.add('EVENTS', {
    durable_name: 'stripe-connect',
    filter_subjects: ['events.0.another.connect', 'events.0.another.connect.promoted'],
    ack_policy: AckPolicy.Explicit,
  })
  for (const slug of ['platform', 'acme', 'globex']) {
    const { organization } = await store.client.organizations.applyOrganization({
      owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml#${slug}` },
      slug,
      displayName: slug,
      members: [{ email: `owner@${slug}.example`, role: MemberRole.OWNER }],
      sources: ['connect', 'plain'].map(name => ({
        name,
        settings: { provider: 'stripe' },
        secrets: [{ id: 'a', value: `test-only-${slug}` }],
      })),
    })
    ids[slug] = organization!.id as OrganizationId
  }
  const { sources } = await store.client.sources.listSources({ organizationId: ids.platform! })
  sourceId = sources.find(({ name }) => name === 'connect')!.id as SourceId
})
afterAll(() => opened.disposeAsync())

const seconds = () => Math.floor(Date.now() / 1000)
let count = 0

/** An event as a receiver stores it once it has verified. */
async function receive(
  account: string | undefined,
  changed: Record<string, unknown> = {},
  { slug = 'platform', source = 'connect' } = {},
): Promise<string> {
  count += 1
  const id = `evt_${count}`
  const body = JSON.stringify({
    id,
    object: 'event',
    type: 'invoice.paid',
    livemode: true,
    created: seconds(),
    ...(account && { account }),
    data: { object: { id: `in_${count}`, object: 'invoice' } },
    ...changed,
  })
  const organization = ids[slug]!
  const fields = headers()
  const meta = {
    id: eventId(organization, source, { id }),
    organization,
    source,
    sourceId,
    provider: 'stripe',
    revision: 1,
    type: 'invoice.paid',
    receivedAt: Date.now(),
    method: 'POST',
    url: `/webhooks/${slug}/${source}`,
    headers: ['stripe-signature', 't=1,v1=of-the-platform'],
    size: body.length,
  }
  fields.set(eventHeader, encodeEventMeta(meta))
  await jetstream(nats).publish(eventSubject(organization, source), body, { headers: fields })
  return id
}

const connect = (slug: string, account: string) =>
  store.client.stripeConnect.connectAccount({
    organizationId: ids[slug]!,
    account,
    scope: 'read_only',
    livemode: true,
  })
const disconnect = (slug: string, account: string) =>
  store.client.stripeConnect.disconnectAccount({ organizationId: ids[slug]!, account })

/** Stripe's ids of an organization's events from connected accounts, as the stream EVENTS has them, with their bytes. */
async function handedOver(slug: string) {
  const manager = await jetstreamManager(nats)
  const subject = eventSubject(ids[slug]!, '_stripe')
  const found: { id: string; account: string; text: string; meta: ReturnType<typeof decodeEventMeta> }[] = []
  const { state } = await manager.streams.info('EVENTS', { subjects_filter: subject })
  if (!state.subjects?.[subject]) return found
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('EVENTS', { seq }).catch(() => null)
    if (message?.subject !== subject) continue
    const text = new TextDecoder().decode(message.data)
    const { id, account } = JSON.parse(text) as { id: string; account: string }
    found.push({ id, account, text, meta: decodeEventMeta(message.header.get(eventHeader)) })
  }
  return found
}
const idsOf = async (slug: string) => (await handedOver(slug)).map(({ id }) => id)
const held = async (account: string) =>
  (
    await store.query(
      'select event_id from held_connect_events where account = $1 order by received_at, event_id',
      [account],
    )
  ).map(row => String(row.event_id))

test('an event of a connected account reaches its organization, byte by byte, and no other', async () => {
  await connect('acme', 'acct_acme')
  await connect('globex', 'acct_globex')
  const [one, two] = [await receive('acct_acme'), await receive('acct_globex', { livemode: false })]
  await until(async () => (await idsOf('acme')).includes(one) && (await idsOf('globex')).includes(two))
  const [mine] = await handedOver('acme')
  expect((await idsOf('acme')).includes(two) || (await idsOf('globex')).includes(one)).toBe(false)
  expect(mine!.meta).toMatchObject({
    organization: ids.acme,
    source: '_stripe',
    provider: 'stripe',
    type: 'invoice.paid',
    headers: ['content-type', 'application/json'],
  })
  expect(JSON.stringify(mine!.meta)).not.toContain('of-the-platform')
  const [theirs] = await handedOver('globex')
  expect([mine!.meta.mode, theirs!.meta.mode]).toEqual([undefined, 'test'])
  // In the log as any event.
  await until(
    async () =>
      (
        await store.query(`select from events e join organizations o on o.id = e.organization_id
          where o.slug = 'acme' and e.source = '_stripe'`)
      ).length === 1,
  )
})

test('the same object of two accounts, and the same event id, are two events of two organizations', async () => {
  const id = 'evt_same'
  await receive('acct_acme', { id })
  await receive('acct_globex', { id })
  await until(async () => (await idsOf('acme')).includes(id) && (await idsOf('globex')).includes(id))
  const eventOf = async (slug: string) => (await handedOver(slug)).find(one => one.id === id)!
  expect((await eventOf('acme')).account).toBe('acct_acme')
  expect((await eventOf('globex')).account).toBe('acct_globex')
  expect((await eventOf('acme')).meta.id).not.toBe((await eventOf('globex')).meta.id)
})

test("an event of a tenant's own source routes nothing, whatever account it names", async () => {
  const before = await idsOf('globex')
  const forged = await receive('acct_globex', {}, { slug: 'acme', source: 'plain' })
  const sameName = await receive('acct_globex', {}, { slug: 'acme', source: 'connect' })
  const marker = await receive('acct_globex')
  await until(async () => (await idsOf('globex')).includes(marker))
  expect(await idsOf('globex')).toEqual([...before, marker])
  expect(await held('acct_globex')).toEqual([])
  expect([forged, sameName]).not.toContain(marker)
})

test('events of an unknown account are held, and handed over in their order once it is connected', async () => {
  const events: string[] = []
  for (let i = 0; i < 5; i++) events.push(await receive('acct_new'))
  await receive(undefined)
  await until(async () => (await held('acct_new')).length === 5)
  await connect('acme', 'acct_new')
  expect(await held('acct_new')).toEqual([])
  const later = await receive('acct_new')
  await until(async () => (await idsOf('acme')).includes(later))
  const ofNew = (await handedOver('acme')).filter(({ account }) => account === 'acct_new').map(({ id }) => id)
  expect(ofNew).toEqual([...events, later])
})

test('events that come while the account is being connected are all handed over, once', async () => {
  const sending = Array.from({ length: 40 }, () => receive('acct_race'))
  const connecting = connect('acme', 'acct_race')
  const events = await Promise.all(sending)
  await connecting
  const ofRace = async () => (await handedOver('acme')).filter(({ account }) => account === 'acct_race')
  await until(async () => (await ofRace()).length >= 40, { deadlineMs: 30_000 })
  expect((await ofRace()).map(({ id }) => id).sort()).toEqual(events.sort())
  expect(await held('acct_race')).toEqual([])
}, 180_000)

test('disconnected by us, an account stops at once', async () => {
  await connect('acme', 'acct_stop')
  await disconnect('acme', 'acct_stop')
  const after = await receive('acct_stop')
  await until(async () => (await held('acct_stop')).includes(after))
  expect(await idsOf('acme')).not.toContain(after)
})

test('disconnected at Stripe, an account stops, and the organization is told by the event itself', async () => {
  await connect('acme', 'acct_left')
  const told = await receive('acct_left', {
    type: 'account.application.deauthorized',
    created: seconds() + 1,
  })
  await until(async () => (await idsOf('acme')).includes(told))
  const after = await receive('acct_left')
  await until(async () => (await held('acct_left')).includes(after))
  const { accounts } = await store.client.stripeConnect.listConnectedAccounts({ organizationId: ids.acme! })
  expect(accounts.find(({ account }) => account === 'acct_left')?.disconnectedAt).toBeDefined()
  const audit = await store.query(
    `select actor_kind, details from audit_logs where action = 'connected_account.disconnected' and subject_id = 'acct_left'`,
  )
  expect(audit).toEqual([{ actor_kind: 'system', details: { by: 'stripe', event: told } }])
})

test('a deauthorization of before, that comes late, does not end the connection', async () => {
  await connect('acme', 'acct_again')
  const late = await receive('acct_again', {
    type: 'account.application.deauthorized',
    created: seconds() - 60,
  })
  const after = await receive('acct_again')
  await until(async () => (await idsOf('acme')).includes(late) && (await idsOf('acme')).includes(after))
})

test('an organization that is not active, or has used up its quota, is handed its events later', async () => {
  await connect('globex', 'acct_quota')
  await store.query(`update organizations set active = false where slug = 'globex'`)
  const waiting = await receive('acct_quota')
  await until(async () => (await held('acct_quota')).includes(waiting))
  expect(await idsOf('globex')).not.toContain(waiting)
  await store.query(`update organizations set active = true where slug = 'globex'`)
  await connect('globex', 'acct_quota')
  await until(async () => (await idsOf('globex')).includes(waiting))
})

test('of an account the newest thousand are held', async () => {
  await store.query(
    `insert into held_connect_events (account, event_id, body, size, received_at)
     select 'acct_full', 'evt_old_' || n, '{}', 2, now() - interval '1 hour' + n * interval '1 second' from generate_series(1, $1::int) as n`,
    [heldBounds.ofAccount],
  )
  const newest = await receive('acct_full')
  await until(async () => (await held('acct_full')).includes(newest))
  const rows = await held('acct_full')
  expect([rows.length, rows.includes('evt_old_1'), rows.includes('evt_old_2')]).toEqual([1_000, false, true])
})

const fillHeld = (account: string, events: number, size: number, ago: string) =>
  store.query(
    `insert into held_connect_events (account, event_id, body, size, received_at)
     select $1, 'evt_old_' || n, '{}', $3, now() - $4::interval + n * interval '1 ms' from generate_series(1, $2::int) as n`,
    [account, events, size, ago],
  )

test('of an account the newest 16 MiB are held', async () => {
  await fillHeld('acct_wide', 20, 1024 ** 2, '1 hour')
  const newest = await receive('acct_wide')
  await until(async () => (await held('acct_wide')).includes(newest))
  const rows = await held('acct_wide')
  expect([rows.length, rows.includes('evt_old_5'), rows.includes('evt_old_6')]).toEqual([16, false, true])
  await store.query(`delete from held_connect_events where account = 'acct_wide'`)
})

test('accounts whose events fill all that may be held push out their own, and none of another account', async () => {
  await fillHeld('acct_small', 3, 1_000, '10 hours')
  const size = heldBounds.bytesOfAccount / 16
  for (let i = 0; i < heldBounds.bytesInAll / heldBounds.bytesOfAccount; i++)
    await fillHeld(`acct_flood${i}`, 16, size, '1 hour')
  const newest = await receive('acct_flood0')
  await until(async () => (await held('acct_flood0')).includes(newest))
  expect(await held('acct_small')).toHaveLength(3)
  const [{ bytes, dropped } = {}] = await store.query(
    `select (select sum(size)::int from held_connect_events) as bytes,
       (select 257 - count(*)::int from held_connect_events where account like 'acct_flood%') as dropped`,
  )
  expect(bytes).toBeLessThanOrEqual(heldBounds.bytesInAll)
  expect(dropped).toBeLessThan(5)
  await store.query(
    `delete from held_connect_events where account like 'acct_flood%' or account = 'acct_small'`,
  )
})

test('a deauthorization ends the connection also of an organization that takes no events', async () => {
  await connect('globex', 'acct_ended')
  await store.query(`update organizations set active = false where slug = 'globex'`)
  try {
    const type = 'account.application.deauthorized'
    const ended = await receive('acct_ended', { type, created: seconds() + 1 })
    await until(async () => (await held('acct_ended')).includes(ended))
    const rows = await store.query(
      `select disconnected_at is not null as ended from connected_accounts where account = 'acct_ended'`,
    )
    expect(rows).toEqual([{ ended: true }])
    // Its owner may connect it elsewhere at once.
    await connect('acme', 'acct_ended')
  } finally {
    await store.query(`update organizations set active = true where slug = 'globex'`)
  }
})

test('accounts of organizations that take nothing, and one that fails, hold up no other', async () => {
  // More than a page, all before the account that waits.
  await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'asleep.yaml#asleep' },
    slug: 'asleep',
  })
  await store.query(`update organizations set active = false where slug = 'asleep'`)
  const connected = `insert into connected_accounts (organization_id, account, scope, livemode, connected_at)
    select id, $2 || n, 'read_only', true, now() from organizations, generate_series(1, $3::int) n where slug = $1`
  await store.query(connected, ['asleep', 'acct_0asleep', 130])
  await store.query(connected, ['globex', 'acct_1fails', 1])
  await store.query(connected, ['acme', 'acct_2waits', 1])
  await store.query(
    `insert into held_connect_events (account, event_id, body, size, received_at)
     select account, 'evt_of_' || account, body, length(body), now() from connected_accounts,
       lateral (select convert_to(json_build_object('id', 'evt_of_' || account, 'account', account, 'type', 'invoice.paid',
         'livemode', true, 'created', 1800000000)::text, 'utf8') as body) as made
     where account ~ '^acct_[012](asleep|fails|waits)'`,
  )
  await using opening = openPool(store.postgresUrl, 2)
  await handOverAll({
    pool: opening.pool,
    nats,
    publisher: {
      revisionOf: async organization => {
        if (organization === ids.globex) throw new Error('no revision of this one')
        return 1
      },
    },
    now: Date.now,
    log: openLog({ service: 'store', level: 'silent' }),
    signal: new AbortController().signal,
  })
  expect(await idsOf('acme')).toContain('evt_of_acct_2waits1')
  expect(await held('acct_1fails1')).toEqual(['evt_of_acct_1fails1'])
  expect(await held('acct_0asleep7')).toEqual(['evt_of_acct_0asleep7'])
})

test('the source that was read before is read no more', async () => {
  const { consumers } = await jetstreamManager(nats)
  const { config } = await consumers.info('EVENTS', 'stripe-connect')
  expect(config.filter_subjects?.[0]).toBe(eventSubject(ids.platform!, 'connect'))
})

test('who had an account before another organization never has its access at Stripe ended', async () => {
  const ended = async (slug: string) => (await disconnect(slug, 'acct_sold')).deauthorize
  await connect('acme', 'acct_sold')
  // Again, since Stripe may have been away.
  expect([await ended('acme'), await ended('acme')]).toEqual([true, true])
  await connect('globex', 'acct_sold')
  expect(await ended('acme')).toBe(false)
  expect([await ended('globex'), await ended('acme')]).toEqual([true, false])
  await store.query(
    `update connected_accounts set disconnected_at = disconnected_at - interval '61 minutes' where account = 'acct_sold'`,
  )
  expect(await ended('globex')).toBe(false)
})

test('an organization that is deleted keeps no account, and gets none', async () => {
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'gone.yaml#gone' },
    slug: 'gone',
  })
  ids.gone = organization!.id as OrganizationId
  await connect('gone', 'acct_freed')
  await store.client.organizations.deleteOrganization({ organizationId: ids.gone })
  await expect(connect('gone', 'acct_other')).rejects.toThrow('no such organization')
  expect((await connect('acme', 'acct_freed')).account?.account).toBe('acct_freed')
})

test('another organization can not connect an account that is connected, nor disconnect it', async () => {
  await connect('acme', 'acct_own')
  await expect(connect('globex', 'acct_own')).rejects.toThrow('another organization')
  await expect(disconnect('globex', 'acct_own')).rejects.toThrow('no such account')
  const [first, second] = await Promise.allSettled([
    connect('acme', 'acct_two'),
    connect('globex', 'acct_two'),
  ])
  expect([first.status, second.status].toSorted()).toEqual(['fulfilled', 'rejected'])
})

test('nobody registers the organization whose source is trusted with all accounts', async () => {
  const register = store.client.tenants.registerTenant({
    email: 'eve@evil.example',
    digest: '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    slug: 'platform',
  })
  await expect(register).rejects.toThrow('there is an organization platform')
})
