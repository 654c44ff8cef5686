import { expect, test } from 'vitest'
import { testSignInKeys } from '../fixtures/people-api.ts'
import { readSignInKeys } from '../keys.ts'
import { accessSeconds, openAccessTokens, skewSeconds } from './jwt.ts'

const tokens = openAccessTokens(readSignInKeys(testSignInKeys)!, 'https://console.example')
const subject = { email: 'ada@example.com', sessionId: 'ses_0' }
const nowMs = Date.parse('2030-01-31T12:00:00Z')

test.each([
  ['just issued by a pod whose clock is ahead', skewSeconds - 1, true],
  ['just issued by a pod whose clock is behind', 1 - skewSeconds, true],
  ['at its end, by a pod whose clock is behind', -(accessSeconds + skewSeconds - 1), true],
  ['of the future', skewSeconds + 5, false],
  ['that has ended', -(accessSeconds + skewSeconds + 5), false],
])('a token %s is judged the other way', async (_name, issuedSeconds, isGood) => {
  const token = await tokens.issue(subject, nowMs + issuedSeconds * 1_000)
  expect(await tokens.verify(token, nowMs)).toEqual(isGood ? subject : undefined)
})
