import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkSchemeTests } from './check-scheme.ts'
import { openScheme } from './open.ts'

const signature = createHmac('sha256', 's3cret').update('{}').digest('hex')
const right = {
  name: 'signed',
  expected: 'valid',
  secret: 's3cret',
  headers: { 'X-Sig': signature },
  body: '{}',
}
const wrong = {
  name: 'changed',
  expected: 'invalid',
  secret: 's3cret',
  headers: { 'X-Sig': signature },
  body: '{ }',
}
const scheme = { header: 'x-sig', algorithm: 'hmac-sha256', content: ['{body}'], tests: [right, wrong] }

test('each test of a scheme is run and told', () => {
  expect(checkSchemeTests(scheme)).toEqual([
    { name: 'signed', passed: true },
    { name: 'changed', passed: true },
  ])
  const other = checkSchemeTests({ ...scheme, algorithm: 'hmac-sha512' })
  expect(other[0]).toEqual({
    name: 'signed',
    passed: false,
    note: 'expected valid, found signature_malformed',
  })
})

test('a refusal must have the reason that its test names', () => {
  const tests = [right, { ...wrong, reason: 'timestamp_missing' }]
  expect(checkSchemeTests({ ...scheme, tests })[1]).toMatchObject({
    passed: false,
    note: expect.stringContaining('timestamp_missing'),
  })
})

test('a scheme without a valid and an invalid test isn’t tested', () => {
  for (const tests of [[], [right], [wrong], undefined]) {
    expect(() => checkSchemeTests({ ...scheme, tests })).toThrow(/expected: (in)?valid/)
  }
})

describe('a scheme whose own tests fail doesn’t take effect', () => {
  test('it opens while they hold', () => {
    expect(openScheme({ provider: 'custom', secrets: ['x'], scheme }).provider).toBe('custom')
  })

  test('it says which one failed', () => {
    const broken = { ...scheme, content: ['{body}', 'x'] }
    expect(() => openScheme({ provider: 'custom', secrets: ['x'], scheme: broken })).toThrow(
      expect.objectContaining({ code: 'scheme_invalid', message: expect.stringContaining('signed') }),
    )
  })
})
