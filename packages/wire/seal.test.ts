import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openKeyring } from './seal.ts'

const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`
const first = key('k1')
const second = key('k2')
const context = 'org_1/source/stripe'

test('any secret opens to itself, and each seal differs', () => {
  const keyring = openKeyring(first)
  fc.assert(
    fc.property(fc.string(), secret => {
      const sealed = keyring.seal(secret, context)
      expect(keyring.open(sealed, context)).toBe(secret)
      expect(keyring.seal(secret, context)).not.toBe(sealed)
    }),
  )
})

test('after a rotation old seals open, and are known to be old', () => {
  const old = openKeyring(first).seal('test-secret', context)
  const rotated = openKeyring(`${second},${first}`)
  expect(rotated.open(old, context)).toBe('test-secret')
  expect(rotated.isCurrent(old)).toBe(false)
  expect(rotated.isCurrent(rotated.seal('test-secret', context))).toBe(true)
})

test.each([
  ['another context', (sealed: string) => sealed, 'org_2/source/stripe', 'seal_unreadable'],
  ['a changed byte', (sealed: string) => `${sealed.slice(0, -3)}AAA`, context, 'seal_unreadable'],
  ['a cut value', (sealed: string) => sealed.slice(0, 20), context, 'seal_unreadable'],
  ['plain text', () => 'test-secret', context, 'seal_unreadable'],
  ['a key that is gone', (sealed: string) => sealed.replace('.k1.', '.k9.'), context, 'seal_key_unknown'],
])('%s does not open', (_name, change, opened, code) => {
  const keyring = openKeyring(first)
  const sealed = change(keyring.seal('test-secret-of-some-length', context))
  expect(() => keyring.open(sealed, opened)).toThrow(expect.objectContaining({ code }))
})

test.each([
  ['empty', ''],
  ['no id', randomBytes(32).toString('base64')],
  ['a short key', 'k1:c2hvcnQ='],
  ['one id twice', `${first},${key('k1')}`],
])('keys that are %s are refused without being told', (_name, text) => {
  expect(() => openKeyring(text)).toThrow(expect.objectContaining({ code: 'seal_keys_invalid' }))
  if (text) expect(() => openKeyring(text)).not.toThrow(text)
})

test('a digest names a text, and changes with the newest key and with the set of keys', () => {
  const digest = (keys: string) => openKeyring(keys).digest('test-secret').toString('hex')
  expect(digest(first)).toBe(digest(first))
  expect(openKeyring(first).digest('another')).not.toEqual(openKeyring(first).digest('test-secret'))
  const rotated = [first, `${second},${first}`, second, `${first},${second}`].map(digest)
  expect(new Set(rotated).size).toBe(4)
})
