import { expect, test } from 'vitest'
import { forPeople } from './log.ts'

test.each([
  [
    {
      level: 'warn',
      service: 'receiver',
      time: 'T',
      msg: 'request.refused',
      code: 'signature_mismatch',
      n: 3,
    },
    'warn  receiver request.refused code=signature_mismatch n=3',
  ],
  [
    {
      level: 'error',
      service: 'store',
      time: 'T',
      msg: 'projection.failed',
      err: { message: 'refused', stack: 'S' },
    },
    'error store projection.failed (refused)',
  ],
  [
    {
      level: 'warn',
      service: 'operator',
      time: 'T',
      msg: 'file.faulty',
      faults: ['a.yaml:3: slug: is taken'],
    },
    'warn  operator file.faulty faults=["a.yaml:3: slug: is taken"]',
  ],
])('a log line is shown short: %#', (line, shown) => {
  expect(forPeople(JSON.stringify(line))).toBe(shown)
})
