import { expect, test, vi } from 'vitest'
import { freezeTimes, readTime } from './read-time.ts'

const now = new Date('2026-03-30T12:00:00Z')

test.each([
  ['-2h', new Date('2026-03-30T10:00:00Z')],
  ['-90s', new Date('2026-03-30T11:58:30Z')],
  ['-1w', new Date('2026-03-23T12:00:00Z')],
  ['now', now],
  ['2026-01-31T09:00:00Z', new Date('2026-01-31T09:00:00Z')],
  ['2026-01-31T09:00:00+02:00', new Date('2026-01-31T07:00:00Z')],
  ['2026-01-31', new Date(2026, 0, 31)],
  ['2026-01-31 09:30', new Date(2026, 0, 31, 9, 30)],
  ['yesterday 14:00', new Date(2026, 2, 29, 14)],
  ['today', new Date(2026, 2, 30)],
  ['1769850000', new Date('2026-01-31T09:00:00Z')],
  ['1769850000000', new Date('2026-01-31T09:00:00Z')],
])('%s is a time', (text, expected) => {
  expect(readTime(text, now)).toEqual(expected)
})

test.each(['', 'soon', '2h', '-2y', '2026', '2026-13-01', '31.01.2026', 'yesterday 25:00'])(
  '%j is none',
  text => {
    expect(readTime(text, now)).toBeUndefined()
  },
)

test('a link that is copied means the same tomorrow', () => {
  expect(freezeTimes({ after: '-2h', status: 'failed' }, now)).toEqual({
    after: '2026-03-30T10:00:00.000Z',
    status: 'failed',
  })
})

test('where clocks changed in the night, yesterday or a time of the clock is an hour off', () => {
  vi.stubEnv('TZ', 'Europe/Berlin')
  try {
    // Clocks went from 2:00 to 3:00 that night: the day had 23 hours.
    const monday = new Date('2026-03-30T10:00:00Z')
    expect(readTime('yesterday 14:00', monday)).toEqual(new Date('2026-03-29T12:00:00Z'))
    expect(readTime('yesterday 01:30', monday)).toEqual(new Date('2026-03-29T00:30:00Z'))
    expect(readTime('2026-03-28 14:00', monday)).toEqual(new Date('2026-03-28T13:00:00Z'))
    // From a clock without 2:30, the hour is the next.
    expect(readTime('2026-03-29 02:30', monday)).toEqual(new Date('2026-03-29T01:30:00Z'))
    // Hours are hours, whatever clocks do.
    expect(readTime('-24h', monday)).toEqual(new Date('2026-03-29T10:00:00Z'))
  } finally {
    vi.unstubAllEnvs()
  }
})
