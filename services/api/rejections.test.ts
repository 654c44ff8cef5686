import { openTurns } from '@fairlead/daemon/turns'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import type { OrganizationId } from '@fairlead/webhook/id'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import type { WebhookRequest } from '@fairlead/webhook/scheme'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { MemberRole } from '@fairlead/wire/store/member'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveApp } from './fixtures/serve-app.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

let api: TestApi
let nats: NatsConnection
let acme: Organization
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

const receivedAt = Date.now() - 60_000
const stripe = (secret: string): WebhookRequest =>
  sampleRequest('stripe', { secret, nowMs: receivedAt, random: () => 0.5 })

/** Adds what a receiver would have added; answers with its id. */
async function addRejection(
  request: WebhookRequest,
  facts: {
    readonly source?: string
    readonly provider?: string
    readonly size?: number
    readonly url?: string
    readonly organization?: Organization
    readonly offered?: string
    readonly receivedAt?: number
  } = {},
): Promise<string> {
  const organization = (facts.organization ?? acme).id as OrganizationId
  const { source = 'stripe', provider = 'stripe' } = facts
  const { size = request.body.byteLength, url = '/webhooks/acme/stripe' } = facts
  const kept = headers()
  kept.set(
    rejectionHeader,
    encodeRejectionMeta({
      organization,
      source,
      provider,
      receivedAt: facts.receivedAt ?? receivedAt,
      reason: 'signature_mismatch',
      method: 'POST',
      url,
      headers: Object.entries(request.headers).flatMap(([name, value]) => [name, String(value)]),
      size,
      ...(facts.offered !== undefined && { offered: facts.offered }),
    }),
  )
  const { seq } = await jetstream(nats).publish(rejectionsSubject(organization, source), request.body, {
    headers: kept,
  })
  return String(seq)
}

const path = '/api/v1/organizations/acme/rejections'
const explained = async (id: string) => (await api.call('GET', `${path}/${id}`)).body

test('are listed newest first, with bodies only where they are asked for', async () => {
  const id = await addRejection(stripe('another'))
  const { body } = await api.call('GET', `${path}?source=stripe`)
  expect(body.items[0]).toMatchObject({ id, source: 'stripe', reason: 'signature_mismatch', body: null })
  expect((await api.call('GET', `${path}?bodies=true&limit=1`)).body.items).toMatchObject([
    { id, body: expect.stringContaining('invoice'), bodyEncoding: 'utf-8' },
  ])
  expect((await api.call('GET', `${path}?source=github`)).body.items).toEqual([])
})

test('the secret of another source is told by its name', async () => {
  const { explanation } = await explained(await addRejection(stripe('test-only-github-of-acme')))
  expect(explanation).toMatchObject({
    stillRefused: true,
    causes: [{ kind: 'other_source', source: 'github' }],
  })
})

test('a body that was changed on its way is told', async () => {
  const request = stripe('test-only-stripe-of-acme')
  const body = Buffer.concat([request.body, Buffer.from('\n')])
  const { explanation } = await explained(await addRejection({ ...request, body }))
  expect(explanation.causes).toMatchObject([{ kind: 'body_altered' }])
})

test('a request that would be accepted by now is explained so', async () => {
  const { explanation } = await explained(await addRejection(stripe('test-only-stripe-of-acme')))
  expect(explanation).toEqual({ stillRefused: false, causes: [] })
})

test.each([
  ['its source is gone', { source: 'gone' }],
  ['its body was too large to keep', { size: 1_000_000 }],
])('nothing is told where %s', async (_name, facts) => {
  expect((await explained(await addRejection(stripe('another'), facts))).explanation).toBeNull()
})

test('no answer holds a secret or the right signature', async () => {
  const request = stripe('another')
  const right = sampleRequest('stripe', {
    secret: 'test-only-stripe-of-acme',
    nowMs: receivedAt,
    random: () => 0.5,
    body: request.body,
  }).headers['stripe-signature'] as string
  const answer = JSON.stringify(await explained(await addRejection(request)))
  expect(answer).not.toContain(right.split('v1=')[1])
  expect(answer).not.toContain('test-only')
})

test('a path that is no URL is no fault of ours', async () => {
  expect((await explained(await addRejection(stripe('another'), { url: '//[' }))).explanation).not.toBeNull()
})

test('a rejection is read, and not refused, while those of another organization are explained', async () => {
  const id = await addRejection(stripe('another'))
  const explanations = openTurns({ places: 1, mostOfOne: () => 1, waitMs: 50 })
  await using app = await serveApp({ storeUrl: api.store.url, explanations })
  const headers = { authorization: `Bearer ${api.platformKey}` }
  const read = async () => {
    const answer = await app.ask(`${path}/${id}`, { headers })
    return [answer.status, await answer.json()]
  }
  {
    using _ofAnother = await explanations.take('another')
    const hint = expect.stringMatching(/^Other rejections are being explained .* ask again/)
    const body = expect.stringContaining('invoice')
    expect(await read()).toEqual([
      200,
      expect.objectContaining({ id, body, explanation: null, explanationHint: hint }),
    ])
  }
  const explanation = expect.objectContaining({ stillRefused: true })
  expect(await read()).toEqual([200, expect.objectContaining({ id, explanation, explanationHint: null })])
})

test.each(['0', '1e3', '99999999', 'x', `${'9'.repeat(30)}`])('the rejection %s is not there', async id => {
  expect((await api.call('GET', `${path}/${id}`)).status).toBe(404)
})

test("another organization's is not there", async () => {
  const id = await addRejection(stripe('another'))
  expect((await api.call('GET', `/api/v1/organizations/globex/rejections/${id}`)).status).toBe(404)
})

test("a signed URL is taken to be the source's own public one", async () => {
  const publicUrl = 'https://shop.example/hooks/square'
  const { organization } = await api.store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'initech.yaml' },
    slug: 'initech',
    sources: [
      {
        name: 'square',
        settings: { provider: 'square', options: { publicUrl } },
        secrets: [{ id: 'square', value: 'test-only-square' }],
      },
    ],
  })
  const explained = async (url: string) => {
    const request = sampleRequest('square', {
      secret: 'test-only-square',
      url,
      nowMs: receivedAt,
      random: () => 0.5,
    })
    const facts = { source: 'square', provider: 'square', url: '/webhooks/initech/square?a=1' }
    const id = await addRejection(request, { ...facts, organization: organization! })
    return (await api.call('GET', `/api/v1/organizations/initech/rejections/${id}`)).body.explanation
  }
  expect(await explained(`${publicUrl}?a=1`)).toEqual({ stillRefused: false, causes: [] })
  expect(await explained(`${publicUrl}/?a=1`)).toMatchObject({
    stillRefused: true,
    causes: [{ kind: 'url_differs', sentence: expect.stringContaining('option publicUrl') }],
  })
})

test('a secret that a provider offered is shown once, to an admin, and the audit log says so', async () => {
  const context = sealContext.offeredSecret(acme.id, 'asana')
  const offered = openKeyring(testEncryptionKeys).seal('handed-over', context)
  const request = { method: 'POST', url: '', headers: {}, body: new Uint8Array() }
  const id = await addRejection(request, { source: 'asana', provider: 'asana', offered })
  const { body } = await api.call('GET', `${path}?source=asana`)
  expect(body.items).toMatchObject([{ id, offersSecret: true }])
  expect(await explained(id)).toMatchObject({ offersSecret: true, explanation: null })
  const key = await api.makeKey(acme, MemberRole.DEVELOPER)
  expect((await api.call('POST', `${path}/${id}/take-secret`, { key })).status).toBe(403)
  const taken = await api.call('POST', `${path}/${id}/take-secret`)
  expect(taken.body).toEqual({ source: 'asana', secret: 'handed-over' })
  expect(taken.headers.get('cache-control')).toBe('no-store')
  for (const gone of [id, '999999', '9'.repeat(19)])
    expect((await api.call('POST', `${path}/${gone}/take-secret`)).status).toBe(404)
  const audit = (await api.call('GET', '/api/v1/organizations/acme/audit-log')).body
  expect(audit.items[0]).toMatchObject({ action: 'offered_secret.taken', subjectId: id })
  expect(JSON.stringify(audit)).not.toContain('handed-over')
})
