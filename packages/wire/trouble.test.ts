import { expect, test } from 'vitest'
import { failingForMs, openTrouble } from './trouble.ts'

test('a failure is reported at once, and the same reason again after half a minute', () => {
  const reported: unknown[] = []
  let nowMs = 1_000
  const trouble = openTrouble(
    error => reported.push(error),
    () => nowMs,
  )
  const refused = new Error('refused')
  for (; nowMs < 31_000; nowMs += 250) trouble.failed(refused)
  trouble.failed('another')
  expect(reported).toEqual([refused, 'another'])
  trouble.failed(refused)
  expect(reported).toEqual([refused, 'another', refused])
  expect(failingForMs([trouble], nowMs)).toBe(30_000)
  trouble.over()
  expect(failingForMs([trouble], nowMs)).toBe(0)
})
