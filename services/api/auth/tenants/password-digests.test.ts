import { expect, test } from 'vitest'
import { ApiError } from '../../problem.ts'
import { isOutdated, openPasswordDigests } from './password-digests.ts'

const digests = openPasswordDigests()

test('a digest of the reference implementation is read', async () => {
  // https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c, argon2id, version 0x13
  const text = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  expect(await digests.isOf('password', text, 'a')).toBe(true)
  expect(await digests.isOf('Password', text, 'a')).toBe(false)
  expect(isOutdated(text)).toBe(true)
})

test('a digest has 19 MiB and two passes as OWASP asks, and a salt of its own', async () => {
  const [one, other] = [await digests.make('five otters', 'a'), await digests.make('five otters', 'a')]
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(one).not.toBe(other)
  expect(isOutdated(one)).toBe(false)
  expect(await digests.isOf('five otters', one, 'a')).toBe(true)
  // The same characters, written in another way.
  const accented = await digests.make('caf\u00e9 otters', 'a')
  expect(await digests.isOf('cafe\u0301 otters', accented, 'a')).toBe(true)
})

test('where there is no digest no password is right', async () => {
  expect(await digests.isOf('', undefined, 'a')).toBe(false)
  expect(await digests.isOf('five otters', undefined, 'a')).toBe(false)
})

test('a flood of one network waits in a short line, and another network has its turn', async () => {
  const flooded = openPasswordDigests()
  const outcomes = Array.from({ length: 200 }, () =>
    flooded.isOf('five otters', undefined, 'flood').then(
      () => 'looked at',
      (error: unknown) => (error instanceof ApiError ? error.code : String(error)),
    ),
  )
  let isDone = false
  const all = Promise.all(outcomes).then(found => {
    isDone = true
    return found
  })
  await flooded.isOf('five otters', undefined, 'another')
  expect(isDone).toBe(false)
  const found = await all
  expect(found.filter(outcome => outcome === 'rate_limited').length).toBeGreaterThanOrEqual(182)
  expect(new Set(found)).toEqual(new Set(['looked at', 'rate_limited']))
})
