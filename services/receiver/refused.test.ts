import { createHmac } from 'node:crypto'
import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { describe, expect, test } from 'vitest'
import { acme, openAcme, secret, sign } from './fixtures/acme.ts'

const signStripe = (body: string, atSeconds: number) =>
  `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`

describe('each kind of refusal has a code of its own', () => {
  const now = () => Math.floor(Date.now() / 1000)
  test.each<[string, number, string, string, string, () => Record<string, string>]>([
    ['no such path', 404, 'unknown_source', '/elsewhere', '{}', () => ({})],
    ['no such organization', 404, 'unknown_source', '/webhooks/nobody/github', '{}', () => ({})],
    ['no such source', 404, 'unknown_source', '/webhooks/acme/gitlab', '{}', () => ({})],
    ['a source that can not be opened', 503, 'unavailable', '/webhooks/acme/wrong', '{}', () => ({})],
    ['no signature', 401, 'signature_missing', '/webhooks/acme/github', '{}', () => ({})],
    [
      'one byte more',
      401,
      'signature_mismatch',
      '/webhooks/acme/github',
      '{} ',
      () => ({ 'x-hub-signature-256': sign('{}') }),
    ],
    [
      'another key',
      401,
      'signature_mismatch',
      '/webhooks/acme/github',
      '{}',
      () => ({ 'x-hub-signature-256': sign('{}', 'k') }),
    ],
    [
      "another source's signature",
      401,
      'signature_missing',
      '/webhooks/acme/stripe',
      '{}',
      () => ({ 'x-hub-signature-256': sign('{}') }),
    ],
    [
      'an old timestamp',
      401,
      'timestamp_out_of_tolerance',
      '/webhooks/acme/stripe',
      '{}',
      () => ({ 'stripe-signature': signStripe('{}', now() - 301) }),
    ],
    ['a path with too much in it', 404, 'unknown_source', '/webhooks/acme/github/more', '{}', () => ({})],
  ])('%s: %i %s', async (_name, status, code, path, body, headers) => {
    await using opened = await openAcme()
    const response = await opened.post(path, body, headers())
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
    expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(0)
  })

  test('GET is told to POST', async () => {
    await using opened = await openAcme()
    const response = await fetch(`${opened.url}/webhooks/acme/github`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  test('GET is no event of a source whose provider signs nothing', async () => {
    await using opened = await openAcme()
    const response = await fetch(`${opened.url}/webhooks/acme/unsigned`)
    expect(response.status).toBe(405)
    expect((await opened.post('/webhooks/acme/unsigned', 'id=tr_1')).status).toBe(200)
    expect((await opened.manager.streams.info('EVENTS')).state.messages).toBe(1)
  })

  test('too fast: 429 with the time to wait', async () => {
    await using opened = await openAcme()
    // Together: one after the other a slow machine is no faster than the rate.
    const bodies = Array.from({ length: 50 }, (_, i) => `{"i":${i}}`)
    const answers = await Promise.all(bodies.map(body => opened.github(body, {}, 'slow')))
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2)
    expect(refused.length).toBeGreaterThan(0)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })

  test('an organization that is not active', async () => {
    await using opened = await openAcme()
    await putConfiguration(opened.nats, { ...acme, active: false })
    await until(async () => (await opened.github('{"later":1}')).status === 403, { what: '403' })
  })

  test("a month's quota that is used up", async () => {
    await using opened = await openAcme()
    await putConfiguration(opened.nats, { ...acme, quotaExceeded: true })
    const response = await until(async () => {
      const answer = await opened.github('{"later":1}')
      return answer.status === 429 && answer
    })
    expect(await response.json()).toMatchObject({ code: 'quota_exceeded' })
  })
})

test.each(['declared', 'chunked'])(
  'a body that is too large, %s, is answered 413 and not kept',
  async name => {
    await using opened = await openAcme({ FAIRLEAD_MAX_BODY_BYTES: '2048' })
    const body = Buffer.alloc(3000, 'x')
    const response = await fetch(`${opened.url}/webhooks/acme/github`, {
      method: 'POST',
      headers: { 'x-hub-signature-256': sign(body) },
      ...(name === 'declared' ? { body } : { body: new Blob([body]).stream(), duplex: 'half' as const }),
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'too_large' })
  },
)

test('a refused request is kept for its organization, with its exact reason', async () => {
  await using opened = await openAcme()
  await opened.post('/webhooks/acme/github', '{"a":1}', { 'x-hub-signature-256': sign('{"a":2}') })
  const kept = await until(
    async () => (await opened.manager.streams.getMessage('REJECTIONS', { seq: 1 })) ?? undefined,
    { what: 'the record' },
  )
  expect(kept.string()).toBe('{"a":1}')
  expect(decodeRejectionMeta(kept.header.get(rejectionHeader))).toMatchObject({
    organization: acme.id,
    source: 'github',
    reason: 'signature_mismatch',
  })
})
