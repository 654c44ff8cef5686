import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apiKeyText, canBeApiKey, shownApiKey } from './api-key.ts'

test('a new key is well formed, and its shown part is its beginning', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom('sk_live_fl_', 'pk_live_fl_', 'sk_test_fl_', 'pk_test_fl_'),
      (random, kind) => {
        const text = apiKeyText(kind, random)
        expect(text).toMatch(/^[sp]k_(live|test)_fl_[0-9A-Za-z]{49}$/)
        expect(canBeApiKey(text)).toBe(true)
        expect(shownApiKey(text)).toBe(text.slice(0, 15))
      },
    ),
  )
})

test('a key with one wrong character is no key', () => {
  const text = apiKeyText('sk_live_fl_', randomBytes(32))
  for (let i = 0; i < text.length; i++) {
    const other = text[i] === 'x' ? 'y' : 'x'
    expect(canBeApiKey(text.slice(0, i) + other + text.slice(i + 1))).toBe(false)
  }
})

test.each([
  ['', false],
  ['key_live_short', false],
  [`key_live_${'a'.repeat(43)}`, true],
  [`key_live_${'a'.repeat(44)}`, false],
  [`sk_live_${'a'.repeat(49)}`, false],
  [`sk_live_fl_${'a'.repeat(49)}`, false],
  [`sk_live_fl_${'a'.repeat(100_000)}`, false],
])('%.30s: %s', (text, isOne) => {
  expect(canBeApiKey(text)).toBe(isOne)
})

test('all keys of one kind are of one length, whatever the random bytes', () => {
  const texts = [new Uint8Array(32), new Uint8Array(32).fill(255)].map(random =>
    apiKeyText('pk_test_fl_', random),
  )
  expect(new Set(texts.map(text => text.length))).toEqual(new Set([60]))
  expect(new Set(texts).size).toBe(2)
})
