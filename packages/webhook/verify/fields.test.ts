import { describe, expect, test } from 'vitest'
import { openScheme } from '../open.ts'
import type { SchemeConfig } from '../scheme.ts'
import { parseFields } from './fields.ts'

const parse = (text: string) => parseFields(Buffer.from(text))

test('JSON is read up to its bounds, and no further', () => {
  expect(parse('{"a":[1,{"b":"[[,\\"{"}]}')).toEqual({ a: [1, { b: '[[,"{' }] })
  expect(parse(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`)).toBeDefined()
  expect(parse(`{"a":${'['.repeat(64)}${']'.repeat(64)}}`)).toBeUndefined()
  expect(parse(`{"a":[${'0,'.repeat(99_990)}0]}`)).toBeDefined()
  expect(parse(`{"a":[${'0,'.repeat(100_000)}0]}`)).toBeUndefined()
  // Brackets and commas in texts count for nothing.
  expect(parse(`{"a":"${'[,'.repeat(200_000)}"}`)).toBeDefined()
})

describe('a field that is an object can’t make verification throw', () => {
  const object = '{"toString":1,"valueOf":1}'
  const nowMs = 1_760_000_000_000

  const verify = async (config: SchemeConfig, body: string) => {
    const request = { method: 'POST', url: '/x', headers: {}, body: Buffer.from(body) }
    return openScheme(config, async () => '').verify(request, nowMs)
  }

  test('Adyen’s signed fields', async () => {
    const item = `{"additionalData":{"hmacSignature":"QUFB"},"pspReference":${object}}`
    expect(
      await verify(
        { provider: 'adyen', secrets: ['00'] },
        `{"notificationItems":[{"NotificationRequestItem":${item}}]}`,
      ),
    ).toMatchObject({ reason: 'body_unreadable' })
  })

  test.each([object, '"constructor"'])('SNS’ version %s', async version => {
    const body = `{"Signature":"QUFB","SigningCertURL":"https://sns.us-west-2.amazonaws.com/a.pem","SignatureVersion":${version},"Timestamp":"2026-05-02T00:54:06.655Z"}`
    expect(await verify({ provider: 'aws-sns', secrets: [] }, body)).toMatchObject({
      reason: 'algorithm_not_allowed',
    })
  })
})
