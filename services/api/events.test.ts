import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { DeliveryState, Trigger } from '@fairlead/wire/store/event'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

let api: TestApi
let acme: Organization
const base = Math.floor(Date.now() / 1000) * 1000 - 3_600_000

interface Sketch {
  readonly source?: string
  readonly type?: string
  readonly minute: number
  readonly dead?: boolean
  readonly delivered?: boolean
}

let made = 0
/** An event in the log, `minute` minutes after the base time. */
async function addEvent({
  source = 'stripe',
  type = 'invoice.paid',
  minute,
  dead,
  delivered,
}: Sketch): Promise<string> {
  const at = timestampFromDate(new Date(base + minute * 60_000))
  const attempt = { number: 1, at, durationMs: 12, trigger: Trigger.ROUTE }
  const { event } = await api.store.client.events.createEvent({
    organizationId: acme.id,
    source,
    providerDeliveryId: `delivery ${++made}`,
    type,
    receivedAt: at,
    sizeBytes: 10n,
    deliveries: [
      ...(dead
        ? [
            {
              destination: 'billing',
              state: DeliveryState.DEAD,
              attempts: [{ ...attempt, outcome: 'destination_failed', status: 502, reason: 'bad gateway' }],
            },
          ]
        : []),
      ...(delivered
        ? [
            {
              destination: 'builds',
              state: DeliveryState.DELIVERED,
              attempts: [{ ...attempt, outcome: 'delivered', status: 200 }],
            },
          ]
        : []),
    ],
  })
  return event!.id
}

const ids: Record<string, string> = {}
beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  await anOrganization(api.store, 'globex')
  ids.paid = await addEvent({ minute: 1, delivered: true })
  ids.failed = await addEvent({ minute: 2, type: 'invoice.payment_failed', dead: true, delivered: true })
  ids.push = await addEvent({ minute: 3, source: 'github', type: 'push', delivered: true })
  ids.odd = await addEvent({ minute: 4, type: '100%_[odd]\\', delivered: true })
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

const list = async (query: string) => await api.call('GET', `/api/v1/organizations/acme/events?${query}`)
const at = (minute: number) => encodeURIComponent(new Date(base + minute * 60_000).toISOString())

test.each<[string, () => string, string[]]>([
  ['nothing: the newest first', () => '', ['odd', 'push', 'failed', 'paid']],
  ['a source', () => 'source=github', ['push']],
  ['a source that is not there', () => 'source=nobody', []],
  ['a status', () => 'status=failed', ['failed']],
  ['another status', () => 'status=pending', []],
  ['a type', () => 'type=invoice.paid', ['paid']],
  ['a glob of types', () => 'type=invoice.*', ['failed', 'paid']],
  ['a glob in the middle', () => 'type=*voice*', ['failed', 'paid']],
  ['signs of LIKE are plain', () => `type=${encodeURIComponent('1__%*')}`, []],
  ['signs of LIKE are found', () => `type=${encodeURIComponent('100%_[odd]\\')}`, ['odd']],
  ['a text in the type', () => 'q=PAYMENT', ['failed']],
  ['a text with signs of LIKE', () => `q=${encodeURIComponent('0%_[')}`, ['odd']],
  ['a whole id', () => `q=${ids.push}`, ['push']],
  ['after, with its own time', () => `after=${at(3)}`, ['odd', 'push']],
  ['before, without its own time', () => `before=${at(3)}`, ['failed', 'paid']],
  ['both', () => `after=${at(2)}&before=${at(3)}`, ['failed']],
  ['several filters', () => 'source=stripe&status=success&type=invoice.*', ['paid']],
  ['an offset in a time', () => `after=${encodeURIComponent('2020-01-01T00:00:00+02:00')}&limit=1`, ['odd']],
  ['a date', () => 'after=2020-01-01&limit=1', ['odd']],
  ['a limit beyond the most', () => 'limit=100000', ['odd', 'push', 'failed', 'paid']],
])('lists by %s', async (_name, query, expected) => {
  const { status, body } = await list(query())
  expect(status).toBe(200)
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(expected.map(name => ids[name]))
})

test.each([
  ['status=done', 'status'],
  ['limit=0', 'limit'],
  ['limit=-1', 'limit'],
  ['limit=ten', 'limit'],
  ['after=yesterday', 'after'],
  ['before=0000-01-01', 'before'],
  ['type=', 'type'],
  ['q=a%00b', 'q'],
  ['source=a&source=b', 'source'],
  ['stauts=failed', 'stauts'],
  [`q=${'x'.repeat(201)}`, 'q'],
])('refuses %s and says which', async (query, name) => {
  const { status, body } = await list(query)
  expect([status, body.code]).toEqual([400, 'request_invalid'])
  expect(body.errors).toEqual([{ in: 'query', name, message: expect.any(String) }])
})

test('all faults are told at once', async () => {
  const { body } = await list('status=done&limit=0&after=x')
  expect(body.errors.map(({ name }: { name: string }) => name).sort()).toEqual(['after', 'limit', 'status'])
})

test.each(['nonsense', 'bm8', 'WyJhIiwiYiJd', 'WzEsMl0', Buffer.from('["x","y","z"]').toString('base64url')])(
  'the cursor %s is refused',
  async cursor => {
    for (const path of ['events', 'dead-letters', 'audit-log']) {
      const { status, body } = await api.call('GET', `/api/v1/organizations/acme/${path}?cursor=${cursor}`)
      expect([path, status, body.code]).toEqual([path, 400, 'cursor_invalid'])
    }
  },
)

test('a walk by cursor meets each event once, while others come in', async () => {
  const known = new Set(Object.values(ids))
  for (let i = 0; i < 30; i++) known.add(await addEvent({ minute: 10 + (i % 3), delivered: true }))
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await list(`limit=7${cursor && `&cursor=${cursor}`}`)
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    cursor = body.next
    // One newer than all, and one of a time that the walk is at.
    await addEvent({ minute: 30, delivered: true })
    expect(seen.length).toBeLessThan(100)
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.filter(id => known.has(id))).toHaveLength(known.size)
})

test('one event has its deliveries and attempts', async () => {
  const { body } = await api.call('GET', `/api/v1/organizations/acme/events/${ids.failed}`)
  expect(body).toMatchObject({
    id: ids.failed,
    source: 'stripe',
    provider: 'stripe',
    type: 'invoice.payment_failed',
    status: 'failed',
    receivedAt: new Date(base + 120_000).toISOString(),
    body: null,
    bodyExpired: true,
    deliveries: [
      {
        destination: 'billing',
        state: 'dead',
        attempts: [
          {
            number: 1,
            durationMs: 12,
            outcome: 'destination_failed',
            status: 502,
            reason: 'bad gateway',
            trigger: 'route',
          },
        ],
      },
      {
        destination: 'builds',
        state: 'delivered',
        attempts: [{ number: 1, outcome: 'delivered', status: 200, reason: null }],
      },
    ],
  })
})

test.each([
  'evt_00000000000000000000000000',
  'evt_1',
  'org_00000000000000000000000000',
  '..%2f..%2fapi-keys',
  '%00',
  "'%20or%201=1",
])('the event %s is not there', async id => {
  const { status, body } = await api.call('GET', `/api/v1/organizations/acme/events/${id}`)
  expect([status, body.code]).toEqual([404, 'not_found'])
})

test('an event of another organization is not there', async () => {
  const { status } = await api.call('GET', `/api/v1/organizations/globex/events/${ids.paid}`)
  expect(status).toBe(404)
})

test('an event whose bytes are not kept can not be retried', async () => {
  const { status, body } = await api.call('POST', `/api/v1/organizations/acme/events/${ids.failed}/retry`)
  expect([status, body.code]).toEqual([409, 'event_expired'])
})

test('a retry to a destination that is not there says so', async () => {
  const { status, body } = await api.call('POST', `/api/v1/organizations/acme/events/${ids.failed}/retry`, {
    body: { destination: 'nowhere' },
  })
  expect([status, body.code]).toEqual([404, 'not_found'])
  expect(body.detail).toContain('nowhere')
})

test('dead letters are listed, and filtered by destination, source and type', async () => {
  const letters = async (query: string) =>
    (await api.call('GET', `/api/v1/organizations/acme/dead-letters?${query}`)).body.items
  const [letter, ...others] = await letters('')
  expect(others).toEqual([])
  expect(letter).toMatchObject({
    eventId: ids.failed,
    destination: 'billing',
    state: 'dead',
    attemptCount: 1,
  })
  for (const query of [
    'destination=billing',
    `destination=${letter.destinationId}`,
    'source=stripe',
    'type=invoice.*',
  ]) {
    expect(await letters(query)).toHaveLength(1)
  }
  for (const query of ['destination=builds', 'source=github', 'type=push'])
    expect(await letters(query)).toEqual([])
})

test('a dead letter that is discarded is off the list, and who did it stands in the audit log', async () => {
  const path = '/api/v1/organizations/acme/dead-letters'
  const id = await addEvent({ minute: 5, type: 'to.discard', dead: true })
  const [letter] = (await api.call('GET', `${path}?type=to.discard`)).body.items
  expect(letter.eventId).toBe(id)
  const discarded = await api.call('POST', `${path}/${letter.id}/discard`, { body: { reason: 'test data' } })
  expect(discarded.body).toMatchObject({ state: 'discarded', discardReason: 'test data' })
  expect((await api.call('GET', `${path}?type=to.discard`)).body.items).toEqual([])
  const { body } = await api.call('GET', '/api/v1/organizations/acme/audit-log?action=dead_letter.discarded')
  expect(body.items[0]).toMatchObject({
    actor: { kind: 'api_key' },
    action: 'dead_letter.discarded',
    subjectId: letter.id,
    details: { destination: 'billing', reason: 'test data' },
  })
})
