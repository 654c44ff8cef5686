import { until } from '@fairlead/testbed/until'
import type { OrganizationId } from '@fairlead/webhook/id'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { connectNats } from '@fairlead/wire/connect'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { MemberRole } from '@fairlead/wire/store/member'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const right = 'test-only-stripe-of-acme'
const hour = 3_600_000
const path = '/api/v1/organizations/acme/rejections'
let api: TestApi
let nats: NatsConnection
let acme: Organization
let made = 0

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  await anOrganization(api.store, 'globex')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await (await jetstreamManager(nats)).streams.purge('REJECTIONS')
})

const declaredAcme = {
  owner: { kind: OwnerKind.FILE, reference: 'acme.yaml#acme' },
  slug: 'acme',
  sources: [
    {
      name: 'stripe',
      settings: { provider: 'stripe' },
      secrets: [{ id: 'acme/stripe', value: right }],
    },
  ],
}

interface Facts {
  readonly secret?: string
  readonly receivedAt?: number
  /** By the clock of the provider. Default: as it was received. */
  readonly signedAt?: number
  /** The provider's own id. */
  readonly delivery?: string
  readonly size?: number
  readonly source?: string
}

/** Adds what a receiver would have added for a request of Stripe; answers with the rejection's id. */
async function refused(facts: Facts = {}): Promise<string> {
  const { secret = right, receivedAt = Date.now() - hour, signedAt = receivedAt, source = 'stripe' } = facts
  const body = JSON.stringify({ id: facts.delivery ?? `evt_${++made}`, type: 'invoice.paid' })
  const request = sampleRequest('stripe', { secret, nowMs: signedAt, random: Math.random, body })
  const organization = acme.id as OrganizationId
  const fields = headers()
  fields.set(
    rejectionHeader,
    encodeRejectionMeta({
      organization,
      source,
      provider: 'stripe',
      receivedAt,
      reason: 'signature_mismatch',
      method: 'POST',
      url: '/webhooks/acme/stripe',
      headers: Object.entries(request.headers).flatMap(([name, value]) => [name, String(value)]),
      size: facts.size ?? request.body.byteLength,
    }),
  )
  const subject = rejectionsSubject(organization, source)
  return String((await jetstream(nats).publish(subject, request.body, { headers: fields })).seq)
}

/** How often EVENTS has an event. */
async function storedTimes(event: string): Promise<number> {
  const manager = await jetstreamManager(nats)
  const { state } = await manager.streams.info('EVENTS')
  let times = 0
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('EVENTS', { seq }).catch(() => undefined)
    if (message && decodeEventMeta(message.header.get(eventHeader)).id === event) times += 1
  }
  return times
}

const promote = (id: string, key?: string) =>
  api.call('POST', `${path}/${id}/promote`, key === undefined ? {} : { key })
const promoteAll = (body: object) => api.call('POST', `${path}/promote`, { body })
const listed = async () => (await api.call('GET', path)).body.items.map(({ id }: { id: string }) => id)

describe('a rejection that verifies with the secrets of now', () => {
  test('becomes an event with its original time, routed and logged, and its record is erased', async () => {
    const receivedAt = Date.now() - 60 * hour
    const id = await refused({ receivedAt })
    const { status, body } = await promote(id)
    expect([status, body]).toEqual([
      202,
      { rejection: id, source: 'stripe', event: expect.stringMatching(/^evt_/), wasThere: false },
    ])
    const event = await until(
      async () => {
        const found = await api.call('GET', `/api/v1/organizations/acme/events/${body.event}`)
        return found.status === 200 ? found.body : undefined
      },
      { what: 'the event in the log' },
    )
    expect(event).toMatchObject({
      source: 'stripe',
      type: 'invoice.paid',
      receivedAt: new Date(receivedAt).toISOString(),
      secret: 'acme/stripe',
    })
    await until(async () => (await listed()).length === 0, { what: 'the record erased' })
    const audit = (await api.call('GET', '/api/v1/organizations/acme/audit-log')).body
    expect(audit.items[0]).toMatchObject({
      action: 'rejection.promoted',
      subjectId: body.event,
      details: { sources: ['stripe'], rejections: [id] },
    })
  })

  test('is not lost where newer rejections push it out while its promotion is written down', async () => {
    const id = await refused({ delivery: 'evt_pushed_out' })
    const manager = await jetstreamManager(nats)
    const copies = async () =>
      (await manager.streams.info('REJECTIONS', { subjects_filter: 'promotions.>' })).state.subjects
    const answer = await (async () => {
      await using _writing = await api.store.lockTable('audit_logs')
      const promoting = promote(id)
      await until(copies, { what: 'a copy of the record' })
      await manager.streams.deleteMessage('REJECTIONS', Number(id))
      return promoting
    })()
    expect(answer.status).toBe(202)
    await until(async () => (await storedTimes(answer.body.event)) === 1, { what: 'the event' })
    await until(async () => (await copies()) === undefined, { what: 'the copy erased' })
  })

  test('is one event, whoever asks again and however many at one time', async () => {
    const id = await refused()
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => promote(id)))
    const events = new Set(answers.map(({ body }) => body.event))
    expect([...events]).toHaveLength(1)
    expect(answers.filter(({ body }) => !body.wasThere)).toHaveLength(1)
    expect((await promote(id)).body).toMatchObject({ event: [...events][0], wasThere: true })
    await until(async () => (await storedTimes([...events][0]!)) > 0, { what: 'the event' })
    expect(await storedTimes([...events][0]!)).toBe(1)
  })

  test('is one event with the other tries of the same delivery', async () => {
    const ids = [await refused({ delivery: 'evt_same' }), await refused({ delivery: 'evt_same' })]
    const { body } = await promoteAll({ ids })
    expect(body.promoted.map(({ wasThere }: { wasThere: boolean }) => wasThere)).toEqual([false, true])
    const events = new Set(body.promoted.map(({ event }: { event: string }) => event))
    expect(events.size).toBe(1)
    const later = await refused({ delivery: 'evt_same' })
    expect((await promote(later)).body).toMatchObject({ event: [...events][0], wasThere: true })
    await until(async () => (await listed()).length === 0, { what: 'the records erased' })
    expect(await storedTimes([...events][0] as string)).toBe(1)
  })
})

describe('nobody can force one', () => {
  test.each<[string, Facts, string]>([
    ['another secret', { secret: 'test-only-wrong' }, 'signature_mismatch'],
    [
      'a time that was wrong when it was received',
      { signedAt: Date.now() - 3 * hour },
      'timestamp_out_of_tolerance',
    ],
    ['a body that was not kept whole', { size: 1_000_000 }, 'body_not_kept'],
    ['a source that is gone', { source: 'gone' }, 'source_gone'],
  ])('with %s', async (_name, facts, reason) => {
    const id = await refused(facts)
    const { status, body } = await promote(id)
    expect([status, body.code, body.detail]).toEqual([409, 'conflict', expect.stringContaining(reason)])
    expect((await promoteAll({ ids: [id] })).body).toEqual({
      promoted: [],
      left: [{ reason, rejections: 1 }],
      next: null,
    })
    expect(await listed()).toEqual([id])
  })

  test('of another organization, nor a viewer', async () => {
    const id = await refused()
    expect((await api.call('POST', `/api/v1/organizations/globex/rejections/${id}/promote`)).status).toBe(404)
    const viewer = await api.makeKey(acme, MemberRole.VIEWER)
    expect((await promote(id, viewer)).status).toBe(403)
    expect((await promote(id, await api.makeKey(acme, MemberRole.DEVELOPER))).status).toBe(202)
  })

  test('while its organization is inactive', async () => {
    const id = await refused()
    const setActive = (active: boolean) =>
      api.store.client.organizations.applyOrganization({ ...declaredAcme, active })
    await setActive(false)
    expect((await promote(id)).body.detail).toContain('organization_inactive')
    await setActive(true)
    expect((await promote(id)).status).toBe(202)
  })
})

describe('many', () => {
  test('are counted by what would pass, and what was previewed is what runs', async () => {
    for (let i = 0; i < 3; i++) await refused()
    await refused({ secret: 'test-only-wrong' })
    await refused({ size: 1_000_000 })
    const summary = (await api.call('GET', `${path}/summary`)).body
    const counts = { rejections: 5, wouldPass: 3, stillRefused: 1, undecided: 1, unchecked: 0 }
    expect(summary).toEqual({ items: [{ source: 'stripe', ...counts }] })

    const preview = (await promoteAll({ filter: { source: 'stripe' }, dryRun: true })).body
    expect(preview.left).toEqual([
      { reason: 'signature_mismatch', rejections: 1 },
      { reason: 'body_not_kept', rejections: 1 },
    ])
    expect(await listed()).toHaveLength(5)
    const late = await refused()
    const ids = preview.promoted.map(({ rejection }: { rejection: string }) => rejection)
    const run = (await promoteAll({ ids })).body
    expect(run.promoted).toEqual(preview.promoted)
    expect(await listed()).toHaveLength(3)
    expect(await listed()).toContain(late)
  })

  test('give either a filter or ids', async () => {
    expect((await promoteAll({})).body).toMatchObject({ code: 'request_invalid' })
    expect((await promoteAll({ filter: {}, ids: ['1'] })).body).toMatchObject({ code: 'request_invalid' })
    expect((await promoteAll({ filter: {}, cursor: 'x' })).body).toMatchObject({ code: 'cursor_invalid' })
  })

  test('are read page by page, filtered by reason and time', async () => {
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.unshift(await refused({ receivedAt: Date.now() - (5 - i) * hour }))
    const first = (await api.call('GET', `${path}?limit=2`)).body
    const second = (await api.call('GET', `${path}?limit=2&cursor=${first.next}`)).body
    const third = (await api.call('GET', `${path}?limit=2&cursor=${second.next}`)).body
    const pages = [first, second, third].flatMap(({ items }) => items.map(({ id }: { id: string }) => id))
    expect([pages, third.next]).toEqual([ids, null])
    const query = async (text: string) => (await api.call('GET', `${path}?${text}`)).body.items.length
    expect(await query('after=-150m')).toBe(2)
    expect(await query('before=-150m')).toBe(3)
    expect(await query('reason=signature_missing')).toBe(0)
  })
})
