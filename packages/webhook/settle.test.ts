import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classify, classifyError } from './classify.ts'
import type { Outcome } from './outcome.ts'
import { type RetryPolicy, retryAfterCapMs, retryPresets, settle } from './settle.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const policy: RetryPolicy = { delaysMs: retryPresets.default, retryAfterCapMs }

test.each<[string, number, string | undefined, Partial<Outcome>]>([
  ['200', 200, undefined, { kind: 'delivered', status: 200 }],
  ['204', 204, undefined, { kind: 'delivered', status: 204 }],
  ['a redirect', 302, undefined, { kind: 'redirected', status: 302 }],
  ['not modified', 304, undefined, { kind: 'redirected' }],
  ['bad request', 400, undefined, { kind: 'refused_by_destination' }],
  ['gone', 410, undefined, { kind: 'gone' }],
  ['too many requests', 429, undefined, { kind: 'throttled' }],
  ['too many requests, in seconds', 429, '30', { kind: 'throttled', retryAfterMs: 30_000 }],
  ['a date', 429, 'Thu, 01 Jan 2026 00:01:00 GMT', { kind: 'throttled', retryAfterMs: 60_000 }],
  ['a date as in RFC 850', 429, 'Thursday, 01-Jan-26 00:01:00 GMT', { retryAfterMs: 60_000 }],
  ['a date of asctime', 503, 'Thu Jan  1 00:01:00 2026', { kind: 'throttled', retryAfterMs: 60_000 }],
  ['a date of the century before', 429, 'Sunday, 06-Nov-94 08:49:37 GMT', { retryAfterMs: 0 }],
  ['a date that is none', 503, 'Thu, 32 Jan 2026 00:01:00 GMT', { kind: 'destination_failed' }],
  ['more seconds than anyone waits', 503, '9'.repeat(400), { kind: 'throttled' }],
  ['a status that is none', 99, undefined, { kind: 'destination_failed' }],
  ['a status beyond the list', 799, undefined, { kind: 'destination_failed' }],
  ['a date that is over', 429, 'Wed, 31 Dec 2025 00:01:00 GMT', { kind: 'throttled', retryAfterMs: 0 }],
  ['unavailable', 503, undefined, { kind: 'destination_failed' }],
  ['unavailable for a time', 503, '5', { kind: 'throttled', retryAfterMs: 5000 }],
  ['a Retry-After that is no such thing', 503, 'soon', { kind: 'destination_failed' }],
  ['a negative one', 503, '-5', { kind: 'destination_failed' }],
])('an answer: %s', (_name, status, retryAfter, expected) => {
  expect(classify({ status, retryAfter }, now)).toMatchObject(expected)
})

test.each([
  ['a name that does not resolve', { code: 'ENOTFOUND' }, 'dns_failed'],
  ['an error that wraps another', { cause: { code: 'ECONNREFUSED' } }, 'connection_refused'],
  [
    'several addresses',
    Object.assign(new AggregateError([Object.assign(new Error(), { code: 'ECONNREFUSED' })])),
    'connection_refused',
  ],
  ['a blocked address', { code: 'FAIRLEAD_ADDRESS_BLOCKED' }, 'address_blocked'],
  ['an expired certificate', { code: 'CERT_HAS_EXPIRED' }, 'tls_expired'],
  ['a certificate for another name', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls_name_mismatch'],
  ['an unknown authority', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'tls_untrusted'],
  ['no TLS at the other end', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'tls_failed'],
  ['not HTTP', { code: 'FAIRLEAD_NOT_HTTP' }, 'protocol_error'],
  ['something never seen', { code: 'EWHATEVER' }, 'worker_failed'],
  ['no error at all', undefined, 'worker_failed'],
])('an error: %s', (_name, error, kind) => {
  expect(classifyError(error).kind).toBe(kind)
})

test.each<[string, Outcome, number, number, ReturnType<typeof settle>]>([
  ['success', { kind: 'delivered', status: 200 }, 1, 0.5, { kind: 'delivered' }],
  [
    'the first failure waits a minute',
    { kind: 'destination_failed' },
    1,
    0.5,
    { kind: 'retry', atMs: now + 60_000 },
  ],
  ['the second five', { kind: 'destination_failed' }, 2, 0.5, { kind: 'retry', atMs: now + 300_000 }],
  ['the third fifteen', { kind: 'destination_failed' }, 3, 0.5, { kind: 'retry', atMs: now + 900_000 }],
  [
    'the fourth is the last',
    { kind: 'destination_failed' },
    4,
    0.5,
    { kind: 'dead', reason: 'attempts_exhausted' },
  ],
  ['20 % less', { kind: 'destination_failed' }, 1, 0, { kind: 'retry', atMs: now + 48_000 }],
  [
    'Retry-After is honoured',
    { kind: 'throttled', retryAfterMs: 120_000 },
    1,
    0.5,
    { kind: 'retry', atMs: now + 120_000 },
  ],
  [
    'but never shortens',
    { kind: 'throttled', retryAfterMs: 1_000 },
    1,
    0.5,
    { kind: 'retry', atMs: now + 60_000 },
  ],
  [
    'and not for ever',
    { kind: 'throttled', retryAfterMs: 9e9 },
    1,
    0.5,
    { kind: 'retry', atMs: now + 3_600_000 },
  ],
  ['gone is final', { kind: 'gone', status: 410 }, 1, 0.5, { kind: 'dead', reason: 'gone' }],
  [
    'so is a body that is no longer kept',
    { kind: 'event_expired' },
    1,
    0.5,
    { kind: 'dead', reason: 'event_expired' },
  ],
])('a settlement: %s', (_name, outcome, spent, random, expected) => {
  expect(settle(outcome, spent, policy, now, random)).toEqual(expected)
})

test('a delivery that always fails makes one attempt more than it has delays, each later than now', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1e8 }), { maxLength: 12 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (delaysMs, random) => {
        let spent = 1
        for (;;) {
          const next = settle(
            { kind: 'connection_refused' },
            spent,
            { delaysMs, retryAfterCapMs },
            now,
            random,
          )
          if (next.kind !== 'retry') break
          expect(next.atMs).toBeGreaterThanOrEqual(now)
          spent++
        }
        expect(spent).toBe(delaysMs.length + 1)
      },
    ),
  )
})
