import { expect, test } from 'vitest'
import { testSignInKeys } from '../fixtures/people-api.ts'
import { readSignInKeys } from '../keys.ts'
import { meetBrowser } from './known-browsers.ts'

const keys = readSignInKeys(testSignInKeys)!
const ada = 'ada@example.com'

test('a browser is new to an address once', () => {
  const first = meetBrowser(keys, undefined, ada)
  expect(first.isKnown).toBe(false)
  expect(meetBrowser(keys, first.next, ada).isKnown).toBe(true)
  expect(meetBrowser(keys, first.next, 'bob@example.com').isKnown).toBe(false)
})

test('a browser that several people share knows the last five', () => {
  let cookie: string | undefined
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => `${name}@example.com`)
  for (const email of all) cookie = meetBrowser(keys, cookie, email).next
  expect(all.map(email => meetBrowser(keys, cookie, email).isKnown)).toEqual([
    false,
    ...Array.from({ length: 5 }, () => true),
  ])
  expect(cookie!.length).toBeLessThan(300)
})

test('a cookie that somebody made up, or took from another browser, makes no browser known', () => {
  const { next } = meetBrowser(keys, undefined, ada)
  const [name, mac] = next.split('.')
  const other = meetBrowser(keys, undefined, ada).next.split('.')[0]
  const made = [
    `${other}.${mac}`,
    `${name}.${name}`,
    'x',
    '',
    '.'.repeat(5_000),
    `${name}.${'a'.repeat(9_000)}`,
  ]
  expect(made.map(cookie => meetBrowser(keys, cookie, ada).isKnown)).toEqual(made.map(() => false))
})

test('a browser stays known while keys are rotated', () => {
  const { next } = meetBrowser(keys, undefined, ada)
  const rotated = readSignInKeys(`new:${Buffer.alloc(32, 9).toString('base64')},${testSignInKeys}`)!
  const again = meetBrowser(rotated, next, ada)
  expect(again.isKnown).toBe(true)
  const onlyNew = readSignInKeys(`new:${Buffer.alloc(32, 9).toString('base64')}`)!
  expect(meetBrowser(onlyNew, again.next, ada).isKnown).toBe(true)
})
