import { expect, test } from 'vitest'
import { readArguments } from './arguments.ts'
import { readTime } from './read-time.ts'

const now = new Date('2026-11-29T12:00:00Z')
const read = (text: string) => readTime('fairlead events', 'after', text, now)

test.each([
  ['-10m', '2026-11-29T11:50:00.000Z'],
  ['-2h', '2026-11-29T10:00:00.000Z'],
  ['-3d', '2026-11-26T12:00:00.000Z'],
  ['2026-03-01', '2026-03-01T00:00:00.000Z'],
  ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.000Z'],
  ['2026-03-01T12:00+02:00', '2026-03-01T10:00:00.000Z'],
  ['1760000000', '2025-10-09T08:53:20.000Z'],
  ['1760000000123', '2025-10-09T08:53:20.123Z'],
  ['2026-11-29 10:00', new Date(2026, 10, 29, 10).toISOString()],
])('%s is a time', (text, iso) => {
  expect(read(text)).toBe(iso)
})

test.each(['yesterday', '10m', '-10', '2026-13-01', '2026-11-29 25:00', ''])(
  '%s is none, and says so',
  text => {
    expect(() => read(text)).toThrow('--after takes -10m')
  },
)

test('a time ago can stand behind its option', () => {
  const options = { after: { type: 'string' } } as const
  expect(readArguments('fairlead events', ['--after', '-10m'], options).values.after).toBe('-10m')
})
